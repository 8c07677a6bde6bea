import { expect } from "chai";
import { chooseSession, type Find } from "../../lib/onnx/choose-session.js";
import type { NetrunError } from "../../lib/error.js";
import { deviceName, type Provider } from "../../lib/onnx/device.js";
import { findProvider, type Machine } from "../../lib/onnx/find-provider.js";
import type { ProviderTrial } from "../../lib/onnx/try-provider.js";
import { failure } from "../support/failure.js";

const BARE: Machine = {
  platform: "linux",
  arch: "x64",
  hasGpu: false,
  hasNvidia: false,
  hasCudaProvider: false,
  isSoftwareVulkan: false,
};
const TWO_CUDA = { ...BARE, hasGpu: true, hasNvidia: true, hasCudaProvider: true };
const INTEL = { ...BARE, hasGpu: true };

/** A search on a machine whose providers have so many devices; what was tried is added to `tried`. */
const on =
  (machine: Machine, devices: Partial<Record<Provider, number>>, tried: string[] = []): Find =>
  (provider, device, where) =>
    findProvider(provider, device, where, machine, async (name, number): Promise<ProviderTrial> => {
      tried.push(`${name} ${number}`);
      return number < (devices[name] ?? 0) ? { result: "works" } : { missing: `no device ${number}` };
    });

describe("where models run", () => {
  it("is the CPU where nothing is asked for, and nothing is tried", async () => {
    const tried: string[] = [];
    expect(await chooseSession({ threads: 2 }, on(TWO_CUDA, { cuda: 2 }, tried))).to.deep.equal({ threads: 2 });
    expect(await chooseSession({ provider: "cpu" }, on(TWO_CUDA, { cuda: 2 }, tried))).to.deep.equal({});
    expect(tried).to.deep.equal([]);
  });

  for (const [what, options, find, chosen] of [
    [
      "auto takes CUDA first",
      { provider: "auto" },
      on(TWO_CUDA, { cuda: 2, webgpu: 1 }),
      { provider: "cuda", devices: [0] },
    ],
    [
      "auto takes WebGPU where CUDA is not here",
      { provider: "auto" },
      on(INTEL, { webgpu: 1 }),
      { provider: "webgpu", devices: [0] },
    ],
    ["auto takes the CPU where there is no GPU", { provider: "auto" }, on(BARE, { webgpu: 1 }), {}],
    [
      "auto takes the CPU rather than a Vulkan driver that computes there",
      { provider: "auto" },
      on({ ...INTEL, isSoftwareVulkan: true }, { webgpu: 1 }),
      {},
    ],
    [
      "WebGPU in software is taken where it is named",
      { provider: "webgpu" },
      on(BARE, { webgpu: 1 }),
      { provider: "webgpu", devices: [0] },
    ],
    [
      "GPUs alone take the best provider",
      { devices: [1] },
      on(TWO_CUDA, { cuda: 2 }),
      { provider: "cuda", devices: [1] },
    ],
    ["all GPUs are counted", { devices: "all" }, on(TWO_CUDA, { cuda: 2 }), { provider: "cuda", devices: [0, 1] }],
    [
      "devices go with a provider",
      { provider: "cuda", devices: [1, 0] },
      on(TWO_CUDA, { cuda: 2 }),
      { provider: "cuda", devices: [1, 0] },
    ],
  ] as const) {
    it(what, async () => {
      expect(await chooseSession(options, find)).to.deep.equal(chosen);
    });
  }

  it("auto tries nothing on a machine without a GPU", async () => {
    const tried: string[] = [];
    await chooseSession({ provider: "auto" }, on(BARE, { webgpu: 1 }, tried));
    expect(tried).to.deep.equal([]);
  });

  for (const [what, options, find, ...messages] of [
    [
      "a GPU where there is none, with what installs each provider",
      { devices: [0] },
      on(BARE, {}),
      "no GPU can be used here",
      "CUDA: no NVIDIA driver is installed, and onnxruntime's library for CUDA is not installed",
      "sudo apt-get install nvidia-driver-580-server",
      "netrun devices --install cuda",
      "WebGPU: there is no GPU",
      "sudo apt-get install libvulkan1 mesa-vulkan-drivers",
    ],
    [
      "CUDA without its library",
      { provider: "cuda" },
      on({ ...TWO_CUDA, hasCudaProvider: false }, {}),
      "CUDA cannot be used here: onnxruntime's library for CUDA is not installed",
      "netrun devices --install cuda",
    ],
    [
      "CUDA where onnxruntime has none",
      { provider: "cuda" },
      on({ ...BARE, platform: "darwin", arch: "arm64" }, {}),
      "CUDA cannot be used here: onnxruntime-node has CUDA for Linux on x64 only, this is darwin on arm64",
      "--provider webgpu",
    ],
    [
      "a GPU that is not there",
      { devices: [0, 2] },
      on(TWO_CUDA, { cuda: 2 }),
      "CUDA, GPU 2 cannot be used here: no device 2",
    ],
    [
      "a first GPU that is not there",
      { provider: "cuda", devices: [5] },
      on(TWO_CUDA, { cuda: 2 }),
      "CUDA, GPU 5 cannot be used here",
    ],
    [
      "WebGPU without an adapter",
      { provider: "webgpu" },
      on(INTEL, {}),
      "WebGPU cannot be used here: no device 0",
      "mesa-vulkan-drivers",
    ],
    [
      "a second GPU of WebGPU",
      { provider: "webgpu", devices: [1] },
      on(INTEL, { webgpu: 1 }),
      "onnxruntime uses one GPU for WebGPU",
    ],
    ["GPUs of the CPU", { provider: "cpu", devices: [0] }, on(BARE, {}), "the CPU has no GPUs to choose from"],
    ["a GPU twice", { devices: [1, 1] }, on(TWO_CUDA, { cuda: 2 }), "GPU 1 is given twice"],
    ["no GPU", { devices: [] }, on(TWO_CUDA, { cuda: 2 }), "devices is empty"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      for (const message of messages) await failure(chooseSession(options, find), message);
    });
  }

  it("rounds to TF32 on CUDA only where that is allowed, which its libraries read when they load", async () => {
    const before = process.env["NVIDIA_TF32_OVERRIDE"];
    try {
      const find = on(TWO_CUDA, { cuda: 2 });
      await chooseSession({ provider: "cuda" }, find);
      expect(process.env["NVIDIA_TF32_OVERRIDE"]).to.equal("0");
      expect(await chooseSession({ provider: "cuda", tf32: true }, find)).to.deep.equal({
        provider: "cuda",
        devices: [0],
        tf32: true,
      });
      expect(process.env).to.not.have.property("NVIDIA_TF32_OVERRIDE");
      const refused = await chooseSession({ tf32: true }, find).catch((error: NetrunError) => error.message);
      expect(refused).to.equal("tf32 has no effect on the provider cpu");
      expect(deviceName({ provider: "cuda", devices: [0, 1] })).to.equal("CUDA, GPUs 0, 1, without TF32");
      expect(deviceName({ provider: "cuda", devices: [0], tf32: true })).to.equal("CUDA, GPU 0, with TF32");
    } finally {
      if (before === undefined) delete process.env["NVIDIA_TF32_OVERRIDE"];
      else process.env["NVIDIA_TF32_OVERRIDE"] = before;
    }
  });
});
