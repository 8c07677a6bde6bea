"""The peers of bench/inference: OpenCV's dnn on the Caffe files, and PyTorch's ONNX export of the same layers.

peers.py export NET.json WEIGHTS.bin OUT.onnx    writes what torch.onnx exports
peers.py opencv NET.prototxt NET.caffemodel THREADS    answers lines {"batch": N, "runs": R} with {"ms": [...], "out": PATH}
peers.py versions
"""
import json
import sys
import time
import warnings

import numpy as np


def export(net, weights, out):
    import torch
    from torch import nn

    layers = json.load(open(net))
    flat = np.fromfile(weights, np.float32)

    def tensor(slot):
        start, shape = slot["start"], slot["shape"]
        return torch.from_numpy(flat[start : start + int(np.prod(shape))].reshape(shape).copy())

    def load(module, *pairs):
        with torch.no_grad():
            for parameter, slot in pairs:
                parameter.copy_(tensor(slot).reshape(parameter.shape))
        return module

    def make(layer):
        kind, p, blobs = layer["type"], layer["param"], layer["blobs"]
        if kind == "Convolution":
            outputs, inputs, kernel = blobs[0]["shape"][:3]
            conv = nn.Conv2d(inputs * p["group"], outputs, kernel, p["stride"], p["pad"], 1, p["group"], len(blobs) > 1)
            return load(conv, *zip([conv.weight, conv.bias], blobs))
        if kind == "BatchNorm":
            norm = nn.BatchNorm2d(blobs[0]["shape"][0], eps=p["eps"])
            return load(norm, *zip([norm.running_mean, norm.running_var, norm.weight, norm.bias], blobs))
        if kind == "InnerProduct":
            linear = nn.Linear(blobs[0]["shape"][1], blobs[0]["shape"][0])
            load(linear, *zip([linear.weight, linear.bias], blobs))
            return nn.Sequential(nn.Flatten(), linear)
        if kind == "Pooling" and p["global"]:
            return nn.AdaptiveAvgPool2d(1)
        if kind == "Pooling":
            pool = nn.MaxPool2d if p["max"] else nn.AvgPool2d
            return pool(p["kernel"], p["stride"], p["pad"], ceil_mode=True)
        if kind == "LRN":
            return nn.LocalResponseNorm(p["size"], p["alpha"], p["beta"], p["k"])
        return {"ReLU": nn.ReLU, "Dropout": nn.Dropout, "Softmax": lambda: nn.Softmax(1)}.get(kind, nn.Identity)()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.steps = nn.ModuleList(make(layer) for layer in layers)

        def forward(self, x):
            blobs = {"data": x}
            for layer, step in zip(layers, self.steps):
                bottoms = [blobs[name] for name in layer["bottom"]]
                if layer["type"] == "Concat":
                    y = torch.cat(bottoms, 1)
                elif layer["type"] == "Eltwise":
                    y = bottoms[0] + bottoms[1]
                else:
                    y = step(bottoms[0])
                blobs[layer["top"][0]] = y
            return y

    # Its warnings are about foldable slices of the normalisation.
    warnings.simplefilter("ignore")
    torch.onnx.export(
        Net().eval(),
        torch.zeros(1, 3, 224, 224),
        out,
        opset_version=17,
        input_names=["data"],
        output_names=["prob"],
        dynamic_axes={"data": {0: "N"}, "prob": {0: "N"}},
    )


def opencv(prototxt, caffemodel, threads):
    import cv2

    cv2.setNumThreads(int(threads))
    net = cv2.dnn.readNetFromCaffe(prototxt, caffemodel)
    net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
    net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
    for line in sys.stdin:
        request = json.loads(line)
        data = np.fromfile(request["data"], np.float32).reshape(-1, 3, 224, 224)
        times = []
        for _ in range(request["runs"]):
            start = time.perf_counter()
            net.setInput(data)
            out = net.forward()
            times.append(1000 * (time.perf_counter() - start))
        out.astype(np.float32).tofile(request["out"])
        print(json.dumps({"ms": times}), flush=True)


def versions():
    import cv2
    import torch

    print(f"OpenCV {cv2.__version__}, PyTorch {torch.__version__}")


{"export": export, "opencv": opencv, "versions": versions}[sys.argv[1]](*sys.argv[2:])
