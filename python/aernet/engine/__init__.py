"""Engines: ONNX to FP16 to TensorRT, and all that is known of what came out."""
