"""Trains one of the nets with PyTorch: torch_step.py THREADS channels_last|contiguous [compiled] < description.

The first line of input is the net as JSON (see description.ts); each later line N is answered by {"ms": [...]} of N steps, with
what the process has held at most, in bytes, as "peak". On a GPU (NETRUN_TORCH_DEVICE=cuda) steps do not wait for one another: each
takes a share of all N. NETRUN_TORCH_TF32=1 lets matrix products and convolutions round to TF32.
"""
import json
import os
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

threads, layout, *compiled = sys.argv[1:]
torch.set_num_threads(int(threads))
device = os.environ.get("NETRUN_TORCH_DEVICE", "cpu")
tf32 = os.environ.get("NETRUN_TORCH_TF32") == "1"
torch.backends.cuda.matmul.allow_tf32 = tf32
torch.backends.cudnn.allow_tf32 = tf32
# As onnxruntime, which tries cuDNN's kernels.
torch.backends.cudnn.benchmark = True
net = json.loads(sys.stdin.readline())
memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format


class Lrn(nn.Module):
    """Local response normalisation across channels, as one average pooling."""

    def forward(self, x):
        return F.local_response_norm(x, 5, 1e-4, 0.75, 1.0)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleDict()
        shapes = {}
        with torch.no_grad():
            blobs = {"data": torch.zeros(2, *net["image"])}
            for i, layer in enumerate(net["layers"]):
                kind, p = layer["type"], layer["params"]
                x = blobs.get(layer["bottoms"][0])
                part = None
                if kind == "Convolution":
                    part = nn.Conv2d(x.shape[1], p["outputs"], p["kernel"], p["stride"], p["pad"], groups=p["group"], bias=p["bias"])
                elif kind == "InnerProduct":
                    part = nn.Linear(x[0].numel(), p["outputs"])
                elif kind == "BatchNorm":
                    part = nn.BatchNorm2d(x.shape[1], eps=1e-5)
                elif kind == "Pooling":
                    pool = nn.MaxPool2d if p["pool"] == "MAX" else nn.AvgPool2d
                    kernel = p["kernel"] or x.shape[2]
                    part = pool(kernel, p["stride"], p["pad"], ceil_mode=True)
                elif kind == "ReLU":
                    part = nn.ReLU(inplace=layer["bottoms"][0] == layer["top"])
                elif kind == "Dropout":
                    part = nn.Dropout(p["ratio"])
                elif kind == "LRN":
                    part = Lrn()
                if part is not None:
                    self.parts[str(i)] = part
                if kind != "SoftmaxWithLoss":
                    blobs[layer["top"]] = self.apply_layer(str(i), kind, [blobs[b] for b in layer["bottoms"]])

    def apply_layer(self, key, kind, xs):
        if kind == "Concat":
            return torch.cat(xs, 1)
        if kind == "Eltwise":
            return xs[0] + xs[1]
        x = xs[0].flatten(1) if kind == "InnerProduct" else xs[0]
        return self.parts[key](x)

    def forward(self, data, label):
        blobs, loss = {"data": data}, 0.0
        for i, layer in enumerate(net["layers"]):
            xs = [blobs[b] for b in layer["bottoms"] if b != "label"]
            if layer["type"] == "SoftmaxWithLoss":
                loss = loss + layer["params"]["weight"] * F.cross_entropy(xs[0].flatten(1), label)
            else:
                blobs[layer["top"]] = self.apply_layer(str(i), layer["type"], xs)
        return loss


model = Net().to(memory_format=memory).to(device).train()
optimiser = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4, fused=True)
data = torch.rand(net["batch"], *net["image"]).sub(0.5).contiguous(memory_format=memory).to(device)
label = (torch.arange(net["batch"]) % net["classes"]).to(device)
forward = torch.compile(model) if compiled else model


def step():
    optimiser.zero_grad(set_to_none=True)
    loss = forward(data, label)
    loss.backward()
    optimiser.step()
    return loss.item() if device == "cpu" else loss


for line in sys.stdin:
    ms = []
    begun = time.perf_counter()
    for _ in range(int(line)):
        started = time.perf_counter()
        loss = step()
        ms.append((time.perf_counter() - started) * 1e3)
    if device != "cpu":
        torch.cuda.synchronize()
        ms = [(time.perf_counter() - begun) * 1e3 / int(line)] * int(line)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": ms, "peak": peak}), flush=True)
