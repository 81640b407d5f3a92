"""Convolutions and transposed convolutions, with every option that changes the mathematics."""

from dataclasses import replace

import numpy as np

from nnbook.functions import (
    conv1d,
    conv1d_vjp,
    conv2d,
    conv2d_vjp,
    conv3d,
    conv3d_vjp,
    conv_output_size,
    conv_transpose1d,
    conv_transpose1d_vjp,
    conv_transpose2d,
    conv_transpose2d_vjp,
    conv_transpose3d,
    conv_transpose3d_vjp,
    receptive_field,
)
from tests.cases.base import Bad, Case, sizes_of

CONV = {1: (conv1d, conv1d_vjp), 2: (conv2d, conv2d_vjp), 3: (conv3d, conv3d_vjp)}
TRANSPOSED = {
    1: (conv_transpose1d, conv_transpose1d_vjp),
    2: (conv_transpose2d, conv_transpose2d_vjp),
    3: (conv_transpose3d, conv_transpose3d_vjp),
}
SPACE = (7, 6, 5)


def spans(kernel, options):
    """Return the entries that a kernel reaches over: there is one window."""
    dilation = options.get("dilation", 1)
    each = [dilation] * len(kernel) if isinstance(dilation, int) else dilation
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, each, strict=True))


def layer(axes, kernel, transposed=False, bias=True, **options):
    """Return what draws x, W and b for a layer with these options."""

    def draw(rng, size):
        n, channels, outputs = sizes_of(rng, size, 3)
        groups = options.get("groups", 1)
        space = SPACE[-axes:] if size != "one" else spans(kernel, options)
        shape = (channels * groups, outputs) if transposed else (outputs * groups, channels)
        x = rng.normal(size=(n, channels * groups, *space))
        W = rng.normal(size=(*shape, *kernel))
        b = (rng.normal(size=outputs * groups),) if bias else ()
        return (x, W, *b), options

    return draw


def case(axes, kernel, what="", transposed=False, bias=True, **options):
    function, derivative = (TRANSPOSED if transposed else CONV)[axes]
    space = tuple(range(2, axes + 2))
    fixed = () if bias else ((1 if transposed else 0),)
    return Case(
        f"{function.__name__}{what and ', '}{what}",
        function,
        layer(axes, kernel, transposed, bias, **options),
        derivative,
        of=(0, 1, 2) if bias else (0, 1),
        free={0: (0, *space), 1: (*fixed, *space)},
    )


CASES = [
    case(1, (3,)),
    case(1, (3,), "stride 2, padding", stride=2, padding=1),
    case(1, (3,), "no bias", bias=False),
    case(1, (2,), "same", padding="same", stride=2, dilation=2),
    case(2, (3, 2)),
    case(2, (3, 2), "no bias", bias=False),
    case(2, (3, 2), "strides", stride=(2, 3)),
    case(2, (2, 2), "stride past the kernel", stride=3),
    case(2, (3, 2), "padding 1", padding=1),
    case(2, (3, 2), "padding by axis", padding=(0, 2)),
    case(2, (3, 2), "padding in pairs", padding=((2, 0), (1, 3)), stride=2),
    case(2, (4, 2), "same", padding="same"),
    case(2, (4, 2), "same upper, stride 2", padding="same_upper", stride=2),
    case(2, (4, 2), "same lower, stride 2", padding="same_lower", stride=2),
    case(2, (4, 2), "valid", padding="valid", stride=2),
    case(2, (2, 2), "dilations", dilation=(2, 3)),
    case(2, (2, 2), "dilation with stride and padding", dilation=2, stride=3, padding=2),
    case(2, (3, 2), "groups", groups=2, padding=1),
    case(2, (1, 1), "one by one", stride=2),
    case(3, (2, 3, 2)),
    case(3, (2, 3, 2), "all options", stride=(2, 1, 2), padding=((1, 0), (0, 2), (1, 1)),
         dilation=(1, 2, 1), groups=2),
    case(1, (3,), transposed=True),
    case(1, (3,), "output padding", transposed=True, stride=2, output_padding=1, padding=1),
    case(1, (3,), "no bias", transposed=True, bias=False),
    case(2, (3, 2), transposed=True),
    case(2, (3, 2), "strides and padding", transposed=True, stride=(2, 3), padding=(1, 0)),
    case(2, (2, 3), "output padding", transposed=True, stride=(3, 2), output_padding=(2, 1)),
    case(2, (2, 2), "output padding by dilation", transposed=True, dilation=3, output_padding=2),
    case(2, (3, 2), "pairs, dilation, groups", transposed=True, stride=2, dilation=(2, 1),
         padding=((1, 0), (0, 1)), groups=2),
    case(2, (3, 3), "same", transposed=True, stride=2, padding="same"),
    case(2, (4, 3), "same lower", transposed=True, stride=2, padding="same_lower"),
    case(2, (1, 1), "same, kernel below the stride", transposed=True, stride=3, padding="same"),
    case(3, (2, 1, 2), transposed=True),
    case(3, (2, 3, 2), "all options", transposed=True, stride=(2, 1, 2), output_padding=(1, 0, 0),
         padding=((1, 0), (0, 2), (1, 1)), dilation=(1, 2, 1), groups=2),
]  # fmt: skip


def depthwise(rng, size):
    n, channels, multiplier = sizes_of(rng, size, 3)
    outputs = channels * multiplier
    x, W = rng.normal(size=(n, channels, 6, 5)), rng.normal(size=(outputs, 1, 3, 2))
    return (x, W, rng.normal(size=outputs)), {"groups": channels, "padding": 1}


CASES += [
    Case("conv2d, depthwise", conv2d, depthwise, conv2d_vjp, of=(0, 1, 2),
         free={0: (0, 2, 3), 1: (2, 3)}),
]  # fmt: skip

X, W, B = np.ones((2, 3, 6, 5)), np.ones((4, 3, 3, 2)), np.ones(4)
WT = np.ones((3, 4, 3, 2))
G = np.ones((2, 4, 4, 4))

BAD = [
    Bad("a single image", lambda: conv2d(X[0], W), ValueError,
        r"^x must have 4 axes \(N, C, height, width\), but its shape is \(3, 6, 5\); a single "
        r"example is a batch of one, x\[np.newaxis\], and a single channel is x\[:, np.newaxis\]$"),
    Bad("a matrix", lambda: conv2d(X[0, 0], W), ValueError, r"shape is \(6, 5\)$"),
    Bad("a sequence", lambda: conv1d(X[0, 0], W), ValueError, r"x must have 3 axes \(N, C, n\)"),
    Bad("a volume", lambda: conv3d(X, W), ValueError,
        r"x must have 5 axes \(N, C, depth, height, width\)"),
    Bad("no entries", lambda: conv2d(X[:, :, :0], W), ValueError,
        r"^x has no entries along a spatial axis: its spatial shape is \(0, 5\)$"),
    Bad("no entries to transpose", lambda: conv_transpose2d(X[:, :, :0], WT), ValueError,
        r"^x has no entries along a spatial axis: its spatial shape is \(0, 5\)$"),
    Bad("one filter", lambda: conv2d(X, W[0, 0]), ValueError,
        r"^W must have 4 axes \(C_out, C_in/groups, \*kernel\), but its shape is \(3, 2\); for one "
        r"filter on one channel pass W\[np.newaxis, np.newaxis\]$"),
    Bad("W of three axes", lambda: conv2d(X, W[0]), ValueError, r"shape is \(3, 3, 2\)$"),
    Bad("W of a transposed layer", lambda: conv_transpose2d(X, W[0]), ValueError,
        r"^W must have 4 axes \(C_in, C_out/groups, \*kernel\), but its shape is \(3, 3, 2\)$"),
    Bad("an empty kernel", lambda: conv2d(X, W[:, :, :0]), ValueError,
        r"W must have a kernel of at least one entry, but its shape is \(4, 3, 0, 2\)"),
    Bad("channels", lambda: conv2d(X[:, :2], W), ValueError,
        r"^x of shape \(2, 2, 6, 5\) has 2 channels, but W of shape \(4, 3, 3, 2\), "
        r"\(C_out, C_in/groups, \*kernel\), takes 3$"),
    Bad("channels last", lambda: conv2d(np.moveaxis(X, 1, -1), W), ValueError,
        r"has 6 channels, .* takes 3; the channels of x come second: pass np.moveaxis\(x, -1, 1\)"),
    Bad("W transposed", lambda: conv2d(X, WT), ValueError,
        r"x of shape .* takes 4; W looks transposed: pass W.swapaxes\(0, 1\)"),
    Bad("W not transposed", lambda: conv_transpose2d(X, W), ValueError,
        r"\(C_in, C_out/groups, \*kernel\), takes 4; W looks transposed: pass W.swapaxes\(0, 1\)"),
    Bad("groups missing", lambda: conv2d(np.ones((2, 6, 6, 5)), W), ValueError,
        r"x of shape .* has 6 channels, .* takes 3; groups=2 would fit$"),
    Bad("groups that do not fit x", lambda: conv2d(X, W, groups=2), ValueError,
        r"x of shape .* has 3 channels, .* takes 6 in 2 groups"),
    Bad("groups that do not divide", lambda: conv2d(X, W, groups=3), ValueError,
        r"^groups must divide C_out: groups is 3, but W of shape \(4, 3, 3, 2\) has 4$"),
    Bad("groups that do not divide the inputs", lambda: conv_transpose2d(X, WT, groups=2),
        ValueError, r"^groups must divide C_in: groups is 2, but W of shape \(3, 4, 3, 2\) has 3$"),
    Bad("groups 0", lambda: conv2d(X, W, groups=0), ValueError, r"^groups must be at least 1"),
    Bad("groups 1.0", lambda: conv2d(X, W, groups=1.0), TypeError, r"^groups must be a positive"),
    Bad("b of another length", lambda: conv2d(X, W, B[:3]), ValueError,
        r"^b must have shape \(C_out,\) = \(4,\), but its shape is \(3,\)$"),
    Bad("b of the inputs", lambda: conv_transpose2d(X, WT, B[:3]), ValueError,
        r"^b must have shape \(C_out,\) = \(4,\), but its shape is \(3,\)$"),
    Bad("b as a column", lambda: conv2d(X, W, B[:, np.newaxis]), ValueError,
        r"\(4, 1\); pass b.ravel\(\)$"),
    Bad("b complex", lambda: conv2d(X, W, 1j * B), TypeError, r"^b must hold real numbers"),
    Bad("kernel larger than x", lambda: conv2d(X, np.ones((4, 3, 3, 7)), padding=((0, 0), (1, 0))),
        ValueError, r"^the kernel does not fit into x along spatial axis 1: it spans 7 entries "
        r"\(kernel 7, dilation 1\), but x has 6 \(size 5, padding 1 and 0\); pad more, or use a "
        r"smaller kernel$"),
    Bad("dilated kernel larger than x", lambda: conv2d(X, W, dilation=(3, 1)), ValueError,
        r"spatial axis 0: it spans 7 entries \(kernel 3, dilation 3\), but x has 6 \(size 6"),
    Bad("stride 0", lambda: conv2d(X, W, stride=0), ValueError, r"^stride must be at least 1"),
    Bad("stride 1.5", lambda: conv2d(X, W, stride=1.5), TypeError, r"^stride must be a positive"),
    Bad("three strides", lambda: conv2d(X, W, stride=(1, 2, 3)), ValueError,
        r"^stride must be one integer, or one for each of the 2 spatial axes, got \(1, 2, 3\)$"),
    Bad("stride in words", lambda: conv2d(X, W, stride="12"), ValueError, r"^stride must be one"),
    Bad("stride of a transposed layer", lambda: conv_transpose2d(X, WT, stride=(0, 1)), ValueError,
        r"^stride must be at least 1, got 0"),
    Bad("dilation 0", lambda: conv2d(X, W, dilation=(1, 0)), ValueError,
        r"^dilation must be at least 1, got 0"),
    Bad("padding below 0", lambda: conv2d(X, W, padding=-1), ValueError,
        r"^padding must be at least 0, got -1$"),
    Bad("padding 0.5", lambda: conv2d(X, W, padding=0.5), TypeError,
        r"^padding must be an integer, got 0.5$"),
    Bad("padding True", lambda: conv2d(X, W, padding=True), TypeError,
        r"^padding must be an integer, got True$"),
    Bad("padding in another word", lambda: conv2d(X, W, padding="full"), ValueError,
        r"^padding must be one of valid, same, same_upper, same_lower, an integer, one for each "
        r"axis, or one \(before, after\) pair for each axis, got 'full'$"),
    Bad("three paddings", lambda: conv2d(X, W, padding=(1, 2, 3)), ValueError,
        r"^padding must be one integer, or one integer or \(before, after\) pair for each of the 2 "
        r"spatial axes, got \(1, 2, 3\)$"),
    Bad("a bare pair for one axis", lambda: conv1d(X[:, :, 0], W[..., 0], padding=(1, 2)),
        ValueError, r"padding .* spatial axes, got \(1, 2\); for one axis write \(\(1, 2\),\)$"),
    Bad("padding in triples", lambda: conv2d(X, W, padding=((1, 2, 3), 1)), ValueError,
        r"^padding must hold \(before, after\) pairs, but one is \(1, 2, 3\)$"),
    Bad("padding of two letters", lambda: conv2d(X, W, padding=("ab", 1)), ValueError,
        r"^padding must hold \(before, after\) pairs, but one is 'ab'$"),
    Bad("output padding as large as the stride",
        lambda: conv_transpose2d(X, WT, stride=2, output_padding=(1, 2)), ValueError,
        r"^output_padding must be less than the stride or the dilation, 2, along spatial axis 1, "
        r"got 2$"),
    Bad("output padding below 0", lambda: conv_transpose2d(X, WT, output_padding=-1), ValueError,
        r"^output_padding must be at least 0, got -1"),
    Bad("output padding True", lambda: conv_transpose2d(X, WT, stride=2, output_padding=True),
        TypeError, r"^output_padding must be an integer, got True"),
    Bad("output padding of a same layer",
        lambda: conv_transpose2d(X, WT, stride=2, padding="same", output_padding=1), ValueError,
        r"^output_padding must be 0 with padding='same', which sets the result's size to stride "
        r"times x's, \(12, 10\); got 1$"),
    Bad("nothing left", lambda: conv_transpose2d(X, WT, padding=((4, 4), (0, 0))), ValueError,
        r"^padding cuts off all of the result along spatial axis 0: 4 and 4 of 8 entries$"),
    Bad("nothing left of a row", lambda: conv_transpose2d(X, WT, padding=(0, 3)), ValueError,
        r"^padding cuts off all of the result along spatial axis 1: 3 and 3 of 6 entries$"),
    Bad("padding of a transposed layer", lambda: conv_transpose2d(X, WT, padding="full"),
        ValueError, r"^padding must be one of valid, same"),
    Bad("g of another shape", lambda: conv2d_vjp(G[:, :3], X, W), ValueError,
        r"^g must have the shape of conv2d's result, \(2, 4, 4, 4\), but its shape is"),
    Bad("g of another shape, transposed", lambda: conv_transpose2d_vjp(G, X, WT), ValueError,
        r"^g must have the shape of conv_transpose2d's result, \(2, 4, 8, 6\), but its shape is"),
    Bad("n 0", lambda: conv_output_size(0, 1), ValueError, r"^n must be at least 1, got 0"),
    Bad("n 2.0", lambda: conv_output_size(2.0, 1), TypeError, r"^n must be a positive integer"),
    Bad("kernel 0", lambda: conv_output_size(3, 0), ValueError, r"^kernel must be at least 1"),
    Bad("kernel in an axis too small", lambda: conv_output_size(3, 5, padding=(1, 0)), ValueError,
        r"^the kernel does not fit .* it spans 5 .* but x has 4 \(size 3, padding 1 and 0\)"),
    Bad("two strides", lambda: conv_output_size(3, 1, stride=(1, 2)), TypeError, r"^stride must"),
    Bad("kernels that are one", lambda: receptive_field(3), TypeError,
        r"^kernels must be a sequence such as \(3, 3\), got 3$"),
    Bad("kernels with 0", lambda: receptive_field((3, 0)), ValueError, r"^kernels\[1\] must be at"),
    Bad("kernels with 1.5", lambda: receptive_field((1.5, 3)), TypeError, r"^kernels\[0\] must be"),
    Bad("strides too few", lambda: receptive_field((3, 3), strides=(1,)), ValueError,
        r"^strides must hold one number for each of 2 layers, got \[1\]$"),
    Bad("strides 0", lambda: receptive_field((3, 3), strides=0), ValueError, r"^strides must be"),
    Bad("dilations with 0", lambda: receptive_field((3, 3), dilations=(1, 0)), ValueError,
        r"^dilations\[1\] must be at least 1"),
]  # fmt: skip
BAD = [replace(bad, id=f"convolution: {bad.id}") for bad in BAD]
