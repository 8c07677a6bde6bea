import { LocalEngine } from "../../lib/engine/local.js";
import { PoolEngine } from "../../lib/engine/pool.js";
import { engineContract } from "../contracts/engine.js";

engineContract("local", () => new LocalEngine());
engineContract("one-thread", () => new PoolEngine({ workers: 1 }));
engineContract("thread", () => new PoolEngine({ workers: 2 }));
engineContract("process", () => new PoolEngine({ workers: 2, isolation: "process" }));
