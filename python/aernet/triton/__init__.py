"""A model repository of NVIDIA's Triton Inference Server.

The server is no package that can be installed; `tests/triton_repository` says what stands in for it.
"""
