"""How one learns without labels: the parts that the methods at the desk and the adapter on the vehicle share.

Images are B3HW float, RGB in 0..1, not normalised; labels BHW int64 train ids with IGNORE; logits BChw. All randomness comes
from torch's global generator of the tensors' device, and nothing here reads a tensor's value on the host.
"""
