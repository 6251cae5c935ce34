"""Kernels against each other and against plain loops."""
