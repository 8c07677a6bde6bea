import { expect } from "chai";
import { reportLines } from "../../lib/cli/devices.js";
import { thisMachine } from "../../lib/onnx/find-provider.js";
import { cli } from "../support/cli.js";

const isBare = !thisMachine().hasCudaProvider && thisMachine().hasGpu === false;

describe("netrun devices", () => {
  it("shows providers with their GPUs, driver and libraries, and under what is missing what mends it", () => {
    const lines = reportLines({
      cpu: "Some processor",
      threads: 8,
      memoryBytes: 2 ** 35,
      onnxruntime: "1.30.0",
      providers: [
        { provider: "cpu", works: true },
        {
          provider: "cuda",
          works: false,
          missing: "it has no cuDNN",
          gpus: [{ device: 0, name: "Some GPU", memoryBytes: 80 * 2 ** 30 }],
          driver: "580.10",
          libraries: [
            { name: "libcudart.so.13", version: "13.0.48", path: "/cuda/libcudart.so.13" },
            { name: "libcudnn.so.9" },
          ],
          remedies: ["netrun devices --install cuda"],
        },
        { provider: "webgpu", works: true, isSoftware: true, libraries: [{ name: "libvulkan.so.1", path: "/v" }] },
      ],
    });
    expect(lines.join("\n")).to.equal(`cpu       Some processor, 8 threads
memory    32.0 GiB
library   onnxruntime 1.30.0
cpu       works
cuda      not here: it has no cuDNN
          GPU 0: Some GPU, 80.0 GiB
          driver 580.10
          libcudart.so.13 13.0.48 (/cuda/libcudart.so.13)
          missing: libcudnn.so.9
          netrun devices --install cuda
webgpu    works, on the CPU: its Vulkan driver is software
          libvulkan.so.1 (/v)`);
  });

  it("prints the same as JSON", async function () {
    this.timeout(120_000);
    const { status, stdout } = await cli("devices", "--json");
    expect(status).to.equal(0);
    const { onnxruntime, providers, threads } = JSON.parse(stdout);
    expect(onnxruntime).to.match(/^\d+\.\d+\.\d+$/);
    expect(threads).to.be.at.least(1);
    expect(providers.map(({ provider }: { provider: string }) => provider)).to.deep.equal(["cpu", "cuda", "webgpu"]);
    for (const { works, missing, remedies } of providers)
      expect(works || (missing !== "" && remedies.length > 0)).to.equal(true);
  });

  it("has nothing to compare on a machine without a GPU, and says where to see why", async function () {
    if (!isBare || process.env["VK_ICD_FILENAMES"] !== undefined) this.skip();
    const { status, stderr } = await cli("devices", "--check");
    expect([status, stderr]).to.deep.equal([
      1,
      "there is no provider to check except the CPU\nnote: netrun devices lists what is missing for CUDA and WebGPU\n",
    ]);
  });

  it("takes away only what it has installed", async function () {
    if (!isBare) this.skip();
    const { status, stderr } = await cli("devices", "--uninstall", "cuda");
    expect(status).to.equal(1);
    expect(stderr).to.match(/: netrun has not installed CUDA here\n$/);
  });

  for (const [flags, message] of [
    [["--check", "--install", "cuda"], "give one of --check, --install and --uninstall"],
    [["--from", "pip"], "--from has no effect: it is for --install"],
    [["--uninstall", "cuda", "-gpu", "0"], "-gpu has no effect: it is for --check"],
    [["--install", "webgpu"], "--install webgpu: give one of cuda"],
  ] as const) {
    it(`refuses ${flags.join(" ")}`, async () => {
      expect((await cli("devices", ...flags)).stderr).to.equal(`${message}\n`);
    });
  }
});
