"""What is measured. A module holds ``ROWS``, a list of `benchmarks.harness.Row`."""

MODULES = (
    "steps", "one_network", "many_networks", "autodiff", "scalars", "convolution", "whole_fit",
    "losing",
)  # fmt: skip
