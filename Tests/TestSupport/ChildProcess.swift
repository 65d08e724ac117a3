public import Foundation

/// A program that a test starts, reads and kills; no wait of it is without a deadline.
///
/// Not Foundation's `Process`: its `waitUntilExit` turns a run loop of the calling thread, which under Swift concurrency is
/// any thread, and now and then does not return. Here are one process id, one pipe, `poll` and `waitpid`.
public final class ChildProcess {
    public enum End: Equatable, Sendable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    public let id: pid_t
    private let output: Int32
    private let deadline: Duration
    private var buffer: [UInt8] = []
    private var end: End?

    /// Starts it with its standard output, and if wished its standard error, in a pipe of ours.
    ///
    /// - Parameter deadline: the longest that one line, or its end, may take.
    public init(
        _ executable: String, _ arguments: [String], mergesStandardError: Bool = false,
        deadline: Duration = .seconds(60)
    ) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.error("pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        if mergesStandardError { posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO) }
        var words: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let failure = posix_spawn(&id, executable, &actions, nil, &words, environ)
        guard failure == 0 else {
            close(ends[0])
            throw Self.error("posix_spawn \(executable)", failure)
        }
        self.id = id
        output = ends[0]
        self.deadline = deadline
    }

    deinit {
        if end == nil {
            Foundation.kill(id, SIGKILL)
            _ = waitpid(id, nil, 0)
        }
        close(output)
    }

    /// The next line, without its end; nil when the program has closed its output. Throws `DeadlinePassed` with what the
    /// program is doing.
    public func nextLine() throws -> String? {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            guard try readMore() else { return nil }
        }
    }

    /// Everything that it prints from here on, until it has closed its output.
    public func remainingOutput() throws -> String {
        while try readMore() {}
        defer { buffer = [] }
        return String(decoding: buffer, as: UTF8.self)
    }

    public func kill() { Foundation.kill(id, SIGKILL) }

    /// Waits until it has ended.
    public func waitForEnd() throws -> End {
        if let end { return end }
        let last = ContinuousClock.now + deadline
        while true {
            var status: Int32 = 0
            let answer = waitpid(id, &status, WNOHANG)
            if answer == id {
                let signal = status & 0x7F
                let found: End = signal == 0 ? .exited(status: (status >> 8) & 0xFF) : .killed(signal: signal)
                end = found
                return found
            }
            guard answer == 0 || errno == EINTR else { throw Self.error("waitpid") }
            guard ContinuousClock.now < last else { throw passed("ended") }
            usleep(1_000)
        }
    }

    /// False at the end of the output.
    private func readMore() throws -> Bool {
        let last = ContinuousClock.now + deadline
        var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
        while poll(&descriptor, 1, 100) == 0 {
            guard ContinuousClock.now < last else { throw passed("printed anything more") }
        }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(output, &bytes, bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.error("read") }
            buffer += bytes[..<count]
            return count > 0
        }
    }

    /// With each thread's state and the kernel function it waits in, where the system tells.
    private func passed(_ what: String) -> DeadlinePassed {
        let tasks = "/proc/\(id)/task"
        let threads = ((try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []).sorted().map { thread in
            let words = ["stat", "wchan"].map {
                (try? String(contentsOfFile: "\(tasks)/\(thread)/\($0)", encoding: .utf8)) ?? "?"
            }
            return words.joined(separator: " ")
        }
        return DeadlinePassed(
            description: "process \(id) has not \(what) in \(deadline); its threads: \(threads.joined(separator: "; "))"
        )
    }

    private static func error(_ call: String, _ code: Int32 = errno) -> DeadlinePassed {
        DeadlinePassed(description: "\(call): \(String(cString: strerror(code)))")
    }
}
