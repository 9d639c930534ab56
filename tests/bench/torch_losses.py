"""Time of losses in PyTorch eager mode, forward and backward, one thread, for comparison with loss_speed.c.

    torch_losses.py ELEMENTS SECONDS [NAME...]

prints a line per loss: expression as loss_speed.c has it, ns/element. The formulas are those of the packages named
beside them, on the data of loss_speed.c. boundary is the loss with its distance map from scipy.ndimage. Times are
processor times."""
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
MASK, CLASSES = 256, 8


def noise(i):
    return ((i * 2654435761) % 2**32 // 128 % 65536).to(torch.float64) / 65536


def logits_and_labels(n):
    i = torch.arange(n)
    y = ((i // 64) % 10 == 0).float()
    return (8 * noise(i) - 5).float() + 2 * y, y


def masks(n):
    z, y = logits_and_labels(n)
    return z.view(-1, 1, MASK, MASK), y.view(-1, 1, MASK, MASK)


def boxes(n):
    i = torch.arange(n)
    corner = torch.where(i % 4 < 2, 0.0, 4.0) + (i // 4 % 50)
    return ((corner + 2 * noise(i + 77)).float().view(-1, 4), (corner + 2 * noise(i)).float().view(-1, 4))


def classes(n):
    i = torch.arange(n // CLASSES)
    y = (noise(i + 1) ** 2 * CLASSES).long().view(-1, 1024)
    return (8 * noise(torch.arange(n)) - 5).float().view(-1, CLASSES, 1024), y


def bce(z, y):
    return F.binary_cross_entropy_with_logits(z, y)


def weighted_bce(z, y):
    return F.binary_cross_entropy_with_logits(z, y, pos_weight=torch.tensor(9.0))


def focal(gamma):  # torchvision.ops.sigmoid_focal_loss without alpha
    def loss(z, y):
        p = torch.sigmoid(z)
        ce = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        p_t = p * y + (1 - p) * (1 - y)
        return (ce * (1 - p_t) ** gamma).mean()
    return loss


def dice(z, y):  # monai.losses.DiceLoss
    p = torch.sigmoid(z)
    axes = [2, 3]
    intersection = torch.sum(y * p, dim=axes)
    denominator = torch.sum(y, dim=axes) + torch.sum(p, dim=axes)
    return torch.mean(1.0 - (2.0 * intersection + 1e-5) / (denominator + 1e-5))


def dice_bce_focal(z, y):
    return dice(z, y) + bce(z, y) + focal(2)(z, y)


def corners(a, b):
    x1, y1, x2, y2 = a.unbind(-1)
    x1g, y1g, x2g, y2g = b.unbind(-1)
    return x1, y1, x2, y2, x1g, y1g, x2g, y2g


def overlap(a, b):  # torchvision.ops._utils._loss_inter_union
    x1, y1, x2, y2, x1g, y1g, x2g, y2g = corners(a, b)
    xk1, yk1 = torch.max(x1, x1g), torch.max(y1, y1g)
    xk2, yk2 = torch.min(x2, x2g), torch.min(y2, y2g)
    intersection = torch.zeros_like(x1)
    mask = (yk2 > yk1) & (xk2 > xk1)
    intersection[mask] = (xk2[mask] - xk1[mask]) * (yk2[mask] - yk1[mask])
    union = (x2 - x1) * (y2 - y1) + (x2g - x1g) * (y2g - y1g) - intersection
    return intersection, union


def enclosing(a, b):
    x1, y1, x2, y2, x1g, y1g, x2g, y2g = corners(a, b)
    return torch.min(x1, x1g), torch.min(y1, y1g), torch.max(x2, x2g), torch.max(y2, y2g)


def box_iou(a, b):
    intersection, union = overlap(a, b)
    return (1 - intersection / (union + 1e-7)).mean()


def giou(a, b):  # torchvision.ops.generalized_box_iou_loss
    intersection, union = overlap(a, b)
    xc1, yc1, xc2, yc2 = enclosing(a, b)
    area = (xc2 - xc1) * (yc2 - yc1)
    return (1 - (intersection / (union + 1e-7) - (area - union) / (area + 1e-7))).mean()


def diou_parts(a, b):
    intersection, union = overlap(a, b)
    iou = intersection / (union + 1e-7)
    xc1, yc1, xc2, yc2 = enclosing(a, b)
    diagonal = (xc2 - xc1) ** 2 + (yc2 - yc1) ** 2 + 1e-7
    x1, y1, x2, y2, x1g, y1g, x2g, y2g = corners(a, b)
    centres = ((x2 + x1) / 2 - (x1g + x2g) / 2) ** 2 + ((y2 + y1) / 2 - (y1g + y2g) / 2) ** 2
    return 1 - iou + centres / diagonal, iou


def diou(a, b):  # torchvision.ops.distance_box_iou_loss
    return diou_parts(a, b)[0].mean()


def ciou(a, b):  # torchvision.ops.complete_box_iou_loss
    loss, iou = diou_parts(a, b)
    x1, y1, x2, y2, x1g, y1g, x2g, y2g = corners(a, b)
    v = (4 / torch.pi ** 2) * torch.pow(
        torch.atan((x2g - x1g) / (y2g - y1g)) - torch.atan((x2 - x1) / (y2 - y1)), 2)
    with torch.no_grad():
        alpha = v / (1 - iou + v + 1e-7)
    return (loss + alpha * v).mean()


def siou(a, b):  # mmdet.models.losses.siou_loss
    eps = 1e-7
    intersection, union = overlap(a, b)
    iou = intersection / (union + eps)
    xc1, yc1, xc2, yc2 = enclosing(a, b)
    cw, ch = xc2 - xc1, yc2 - yc1
    x1, y1, x2, y2, x1g, y1g, x2g, y2g = corners(a, b)
    w1, h1, w2, h2 = x2 - x1, y2 - y1 + eps, x2g - x1g, y2g - y1g + eps
    s_cw, s_ch = (x2g + x1g - x1 - x2) * 0.5 + eps, (y2g + y1g - y1 - y2) * 0.5 + eps
    sigma = torch.pow(s_cw ** 2 + s_ch ** 2, 0.5)
    sin_alpha, sin_beta = torch.abs(s_cw) / sigma, torch.abs(s_ch) / sigma
    sin_alpha = torch.where(sin_alpha > 2 ** 0.5 / 2, sin_beta, sin_alpha)
    angle = torch.cos(torch.asin(sin_alpha) * 2 - torch.pi / 2)
    gamma = angle - 2
    distance = 2 - torch.exp(gamma * (s_cw / cw) ** 2) - torch.exp(gamma * (s_ch / ch) ** 2)
    omiga_w = torch.abs(w1 - w2) / torch.max(w1, w2)
    omiga_h = torch.abs(h1 - h2) / torch.max(h1, h2)
    shape = torch.pow(1 - torch.exp(-omiga_w), 4) + torch.pow(1 - torch.exp(-omiga_h), 4)
    return (1 - iou + 0.5 * (distance + shape)).mean()


def lovasz_hinge(z, y):  # bermanmaxim/LovaszSoftmax, per image
    def flat(logits, labels):
        errors = 1.0 - logits * (2.0 * labels - 1.0)
        ordered, order = torch.sort(errors, dim=0, descending=True)
        truth = labels[order]
        intersection = truth.sum() - truth.cumsum(0)
        union = truth.sum() + (1 - truth).cumsum(0)
        jaccard = 1.0 - intersection / union
        jaccard = torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
        return torch.dot(F.relu(ordered), jaccard)
    return torch.stack([flat(a.reshape(-1), b.reshape(-1)) for a, b in zip(z, y)]).mean()


def lovasz_softmax(z, y):
    p = torch.softmax(z, 1).transpose(1, 2).reshape(-1, CLASSES)
    losses = []
    for c in range(CLASSES):
        truth = (y.reshape(-1) == c).float()
        ordered, order = torch.sort((truth - p[:, c]).abs(), 0, descending=True)
        truth = truth[order]
        intersection = truth.sum() - truth.cumsum(0)
        union = truth.sum() + (1 - truth).cumsum(0)
        jaccard = 1.0 - intersection / union
        losses.append(torch.dot(ordered, torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])))
    return torch.stack(losses).mean()


def boundary(z, y):  # LIVIAETS/boundary-loss, with the map made each time as here
    import numpy
    from scipy.ndimage import distance_transform_edt as edt
    truth = y.numpy().astype(bool)
    phi = numpy.zeros(truth.shape, numpy.float32)
    for i, mask in enumerate(truth[:, 0]):
        if mask.any():
            phi[i, 0] = edt(~mask) * ~mask - (edt(mask) - 1) * mask
    return (torch.sigmoid(z) * torch.from_numpy(phi)).mean()


LOSSES = {
    "bce": (bce, logits_and_labels), "weighted_bce": (weighted_bce, logits_and_labels),
    "focal": (focal(2), logits_and_labels), "focal(gamma=1.3)": (focal(1.3), logits_and_labels),
    "dice": (dice, masks), "dice + bce + focal": (dice_bce_focal, masks),
    "boundary": (boundary, masks), "lovasz_hinge": (lovasz_hinge, masks),
    "ce": (F.cross_entropy, classes), "lovasz_softmax": (lovasz_softmax, classes),
    "smooth_l1": (F.smooth_l1_loss, boxes), "box_iou": (box_iou, boxes), "giou": (giou, boxes),
    "diou": (diou, boxes), "ciou": (ciou, boxes), "siou": (siou, boxes),
}


def measure(loss, data, n, seconds):
    z, y = data(n)
    z.requires_grad_(True)
    best, begin = float("inf"), time.process_time()
    while best == float("inf") or time.process_time() - begin < seconds:
        z.grad = None
        start = time.process_time()
        loss(z, y).backward()
        best = min(best, time.process_time() - start)
    return best / n * 1e9


if __name__ == "__main__":
    elements, budget = int(sys.argv[1]), float(sys.argv[2])
    for name in sys.argv[3:] or LOSSES:
        print(f"{name}\t{measure(*LOSSES[name], elements, budget):.4g}", flush=True)
