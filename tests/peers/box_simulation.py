"""The box simulation (experiments/simulation) under diou as numpy does it: all cases at once, one array per quantity.

    box_simulation.py PROGRAM [POINTS [ROUNDS]]     PROGRAM: build/tests/bench/simulation_speed

Runs PROGRAM and itself by turns on one core and prints ns a case-iteration of both, the ratio, and the largest
difference of their mean errors over the iterations; status 1 when that is above 1e-3. Without numpy it says so.
"""
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
import time

try:
    import numpy as np
except ImportError:
    print("skip - numpy is not installed (Debian: python3-numpy)")
    sys.exit(0)

STEPS, LIMIT = 200, 1e-3


def cases(points):
    """Boxes and targets, x, y, w, h, each [points * 343]."""
    ratio = np.array([1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4]) ** 0.5
    side = np.array([0.5, 0.67, 0.75, 1, 1.33, 1.5, 2]) ** 0.5
    k = np.arange(points)
    radius, angle = 3 * np.sqrt((k + 0.5) / points), k * np.pi * (3 - np.sqrt(5))
    shape = (points, 7, 7, 7)  # point, target, area, ratio

    def spread(values, axis):
        return np.broadcast_to(values.reshape([-1 if a == axis else 1 for a in range(4)]), shape).ravel()

    w, h = spread(side, 2) * spread(ratio, 3), spread(side, 2) / spread(ratio, 3)
    box = [spread(10 + radius * np.cos(angle), 0).copy(), spread(10 + radius * np.sin(angle), 0).copy(), w, h]
    return box, [np.full(w.shape, 10.0), np.full(w.shape, 10.0), spread(ratio, 1).copy(), 1 / spread(ratio, 1)]


def diou_gradient(box, target):
    """The gradient of 1 - IoU + rho^2 / c^2 in x, y, w, h, and IoU."""
    x, y, w, h = box
    tx, ty, tw, th = target
    left, right, top, bottom = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    t_left, t_right, t_top, t_bottom = tx - tw / 2, tx + tw / 2, ty - th / 2, ty + th / 2
    iw = np.minimum(right, t_right) - np.maximum(left, t_left)
    ih = np.minimum(bottom, t_bottom) - np.maximum(top, t_top)
    overlap = (iw > 0) & (ih > 0)
    iw, ih = np.where(overlap, iw, 0), np.where(overlap, ih, 0)
    cw = np.maximum(right, t_right) - np.minimum(left, t_left)
    ch = np.maximum(bottom, t_bottom) - np.minimum(top, t_top)
    shared = iw * ih
    union = w * h + tw * th - shared
    iou = np.where(overlap, shared / union, 0)
    by_shared = np.where(overlap, (1 + iou) / union, 0)
    by_area = np.where(overlap, iou / union, 0)
    c2, rho2 = cw**2 + ch**2, (x - tx) ** 2 + (y - ty) ** 2
    by_iw, by_ih = -by_shared * ih, -by_shared * iw
    by_cw, by_ch = -2 * rho2 * cw / c2**2, -2 * rho2 * ch / c2**2
    by_right = by_iw * (right < t_right) + by_cw * (right > t_right)
    by_left = by_iw * (left > t_left) + by_cw * (left < t_left)
    by_bottom = by_ih * (bottom < t_bottom) + by_ch * (bottom > t_bottom)
    by_top = by_ih * (top > t_top) + by_ch * (top < t_top)
    return (
        by_right - by_left + 2 * (x - tx) / c2,
        by_bottom - by_top + 2 * (y - ty) / c2,
        (by_right + by_left) / 2 + by_area * h,
        (by_bottom + by_top) / 2 + by_area * w,
    ), iou


def mean_error(box, target):
    return sum(np.abs(b - t) for b, t in zip(box, target)).mean()


def run(points):
    """The mean error at iterations 0..200, and ns a case-iteration."""
    box, target = cases(points)
    curve, start = [], time.process_time()
    with np.errstate(all="ignore"):
        for step in range(STEPS):
            curve.append(mean_error(box, target))
            gradient, iou = diou_gradient(box, target)
            rate = (0.1 if step < 160 else 0.01 if step < 180 else 0.001) * (2 - iou)
            box = [b - rate * g for b, g in zip(box, gradient)]
    curve.append(mean_error(box, target))
    return np.array(curve), (time.process_time() - start) / (box[0].size * STEPS) * 1e9


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    program, points, rounds = sys.argv[1], (sys.argv[2:] or ["200"])[0], int((sys.argv[3:] or ["3"])[0])
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(float(output_of(program, points, "1", "diou").split("\t")[1]))
        curve, ns = run(int(points))
        theirs.append(ns)
    own_curve = np.array(output_of(program, "--curve", points, "diou").split(), dtype=float)
    print(f"diou, {points} points, ns a case-iteration on one core: ours {min(ours):.2f}, "
          f"numpy {np.__version__} {min(theirs):.1f}, ratio {min(theirs) / min(ours):.1f}")
    difference = np.abs(own_curve - curve).max()
    print(f"largest difference of the mean errors over {STEPS} iterations: {difference:.2g}")
    if difference > LIMIT:
        sys.exit(f"the mean errors differ by more than {LIMIT}")


if __name__ == "__main__":
    main()
