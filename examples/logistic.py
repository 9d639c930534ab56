#!/usr/bin/env python3
"""Logistic regression with any binary loss of libloss, as logistic.c does it, with the standard library only.

    python3 logistic.py "focal(gamma=2) + 0.5*bce"      (LD_LIBRARY_PATH=... where ldconfig does not know libloss)
"""
import sys
from ctypes import CDLL, POINTER, Structure, byref, c_char, c_char_p, c_double, c_float, c_int, c_size_t, c_ubyte, \
    c_void_p, create_string_buffer

GOODS, DEFECTS, STEPS = 2000, 40, 100
PARTS, REJECTED = GOODS + DEFECTS, GOODS // 100
LOSS_MEAN = 0  # of loss_reduction


class Error(Structure):  # lb_error
    _fields_ = [("code", c_int), ("message", c_char * 512)]


class Counts(Structure):  # loss_counts
    _fields_ = [("good", c_double), ("defect", c_double)]


class Batch(Structure):  # loss_batch: all fields, in the order of loss.h
    _fields_ = [("images", c_size_t), ("channels", c_size_t), ("pixels", c_size_t), ("input", POINTER(c_float)),
                ("target", POINTER(c_float)), ("weight", POINTER(c_float)), ("ignore", POINTER(c_ubyte)),
                ("classes", POINTER(c_int)), ("class_weight", POINTER(c_float)), ("class_counts", POINTER(c_double)),
                ("skip_channel", POINTER(c_ubyte)), ("activation", c_int), ("width", c_size_t),
                ("map", POINTER(c_float)), ("state", POINTER(c_double)), ("state_grad", POINTER(c_double))]


lib = CDLL("libloss.so.0")
for name, result, arguments in [
        ("parse", c_void_p, [c_char_p, POINTER(Error)]), ("free", None, [c_void_p]),
        ("label", c_char_p, [c_void_p]), ("resolve", c_int, [c_void_p, POINTER(Counts), POINTER(Error)]),
        ("prior_logit", c_double, [c_void_p, c_double]), ("scratch", c_size_t, [c_void_p, POINTER(Batch)]),
        ("eval", c_int, [c_void_p, POINTER(Batch), c_int, POINTER(c_double), POINTER(c_float), POINTER(c_float),
                         c_void_p, POINTER(Error)])]:
    f = getattr(lib, "loss_" + name)
    f.restype, f.argtypes = result, arguments

state = 1


def draw_parts():
    global state
    parts = [[-3.0 if i >= GOODS else -6.0, -6.0] for i in range(PARTS)]
    for part in parts:
        for k in range(2):
            for _ in range(12):
                state = (state * 1664525 + 1013904223) % 2**32
                part[k] += state / 2**32
    return parts


def predict(model, parts):
    return [model[0] + model[1] * x + model[2] * y for x, y in parts]


error, value = Error(), c_double()
loss = lib.loss_parse((sys.argv[1] if len(sys.argv) > 1 else "focal(gamma=2)").encode(), error)
if not loss or lib.loss_resolve(loss, Counts(GOODS, DEFECTS), error):
    sys.exit(error.message.decode())
logit, label, slope = (c_float * PARTS)(), (c_float * PARTS)(*[0] * GOODS + [1] * DEFECTS), (c_float * PARTS)()
batch = Batch(images=PARTS, channels=1, pixels=1, input=logit, target=label)
scratch = create_string_buffer(lib.loss_scratch(loss, batch))
model, parts = [lib.loss_prior_logit(loss, DEFECTS / PARTS), 0, 0], draw_parts()
for step in range(STEPS + 1):
    logit[:] = predict(model, parts)
    if lib.loss_eval(loss, batch, LOSS_MEAN, byref(value), None, slope, scratch, error):
        sys.exit(error.message.decode())
    if step % 20 == 0:
        print(f"step {step:3}  {lib.loss_label(loss).decode()} = {value.value:.9f}")
    for k, column in enumerate([[1] * PARTS, *zip(*parts)]):
        model[k] -= 5 * sum(s * x for s, x in zip(slope, column))
scores = predict(model, draw_parts())
threshold = sorted(scores[:GOODS], reverse=True)[REJECTED]
print(f"recall at FR 1 %: {sum(s > threshold for s in scores[GOODS:]) / DEFECTS:.3f}")
lib.loss_free(loss)
