import Glibc

/// Processor time of this process so far, in seconds: what a measurement costs, whatever else the machine does meanwhile.
func processorSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }
