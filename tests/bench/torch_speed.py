"""Training speed of the networks of train_speed.c in PyTorch, one thread: same layers, batch, loss and optimiser.

    torch_speed.py [seconds per model and variant] [model]

prints one line per model and variant: model, variant, images/s. Times are processor times, as in train_speed.c."""
import sys
import time

import torch
from torch import nn

BATCH = 64


class Cnn(nn.Module):
    def __init__(self, a, b, c):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, a, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(b, c, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(2 * c, 1)

    def forward(self, x):
        x = self.trunk(x)
        return self.head(torch.cat([torch.amax(x, (2, 3)), torch.mean(x, (2, 3))], 1)).squeeze(1)


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        def block(a, b):
            return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
        self.top, self.middle, self.bottom = block(1, 16), block(16, 32), block(32, 64)
        self.up_middle, self.up_top, self.head = block(96, 32), block(48, 16), nn.Conv2d(16, 1, 1)
        self.pool, self.up = nn.MaxPool2d(2), nn.Upsample(scale_factor=2.0, mode="nearest")

    def forward(self, x):
        top = self.top(x)
        middle = self.middle(self.pool(top))
        below = self.bottom(self.pool(middle))
        below = self.up_middle(torch.cat([middle, self.up(below)], 1))
        return self.head(self.up_top(torch.cat([top, self.up(below)], 1))).flatten()


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.body(x).squeeze(1)


class Detector(nn.Module):
    def __init__(self, a, b, c):
        super().__init__()
        def block(a, b):
            return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
        self.body = nn.Sequential(block(1, a), nn.MaxPool2d(2), block(a, b), nn.MaxPool2d(2), block(b, c),
                                  nn.MaxPool2d(2), block(c, c), block(c, c), nn.Conv2d(c, 11, 1))

    def forward(self, x):
        return self.body(x).flatten()


MODELS = {
    "cnn-wide": (lambda: Cnn(16, 32, 64), (1, 32, 32)),
    "cnn-narrow": (lambda: Cnn(16, 16, 32), (1, 32, 32)),
    "unet": (Unet, (1, 32, 32)),
    "mlp": (Mlp, (64,)),
    "detector-wide": (lambda: Detector(16, 32, 64), (1, 64, 64)),
    "detector-narrow": (lambda: Detector(16, 16, 32), (1, 64, 64)),
}


def prepare(build, shape, channels_last, jit):
    """The model and a batch in the wanted memory layout."""
    torch.manual_seed(1)
    model, x = build(), torch.randn(BATCH, *shape)
    if channels_last and x.dim() == 4:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    return (torch.jit.trace(model, x) if jit else model), x


def images_per_second(build, shape, seconds, channels_last=False, jit=False, foreach=False):
    model, x = prepare(build, shape, channels_last, jit)
    label = (torch.arange(model(x).numel()) % 2).float()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=foreach)

    def step():
        adam.zero_grad(set_to_none=True)
        nn.functional.binary_cross_entropy_with_logits(model(x), label).backward()
        adam.step()

    for _ in range(5):  # the tracing executor optimises during the first calls
        step()
    steps, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        step()
        steps += 1
    return steps * BATCH / (time.process_time() - start)


VARIANTS = {
    "eager": {},
    "eager foreach": {"foreach": True},
    "channels_last": {"channels_last": True, "foreach": True},
    "jit": {"jit": True, "foreach": True},
    "jit channels_last": {"jit": True, "channels_last": True, "foreach": True},
}


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    models = sys.argv[2:] or MODELS
    for name in models:
        build, shape = MODELS[name]
        for variant, options in VARIANTS.items():
            if len(shape) == 3 or not options.get("channels_last"):
                print(name, variant, f"{images_per_second(build, shape, seconds, **options):.0f}", sep="\t", flush=True)


main()
