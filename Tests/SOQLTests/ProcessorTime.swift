import Glibc

/// What a body costs its thread in processor time: a machine that has other things to do adds nothing to it.
func processorTime(of body: () throws -> Void) rethrows -> Duration {
    func spent() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Duration.seconds(time.tv_sec) + Duration.nanoseconds(time.tv_nsec)
    }
    let before = spent()
    try body()
    return spent() - before
}
