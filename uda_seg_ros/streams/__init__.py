"""The benchmark of online adaptation: labelled drives in scheduled weather, each method paired with the frozen network.

A `Stream` (table.py) is a schedule over labelled drives (drives.py). Its frames are made once (footage.py); a method
(methods/) gets one after the other under a simulated clock (harness.py) and leaves a `Trace` of pixel counts and events
(trace.py), from which all measures come (measures.py).
"""
