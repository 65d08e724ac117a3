import Foundation

/// A PostgreSQL server of the test process: started at first use in a folder of its own, on a free port of the loopback
/// address, with the settings of a real one (it flushes to the disk). It ends with the test process, however that ends.
///
/// `@Suite(.enabled(if: PostgresServer.isWanted, Comment(rawValue: PostgresServer.absence)))` skips where none is installed,
/// and fails there under `MILLRACE_REQUIRE_ALL=1`.
public final class PostgresServer: Sendable {
    public static let isWanted =
        binaries != nil || ProcessInfo.processInfo.environment["MILLRACE_REQUIRE_ALL"] == "1"
    public static let absence = "PostgreSQL's server is not installed: scripts/setup"

    private static let running = Result { try PostgresServer() }
    public static func shared() throws -> PostgresServer { try running.get() }

    public let port: Int
    private let directory: String
    private let programs: String
    /// The end of a pipe that nothing is written to: with it closed, the server's guard stops the server.
    private let life: Int32

    /// Where `postgres`, `initdb` and `psql` are: the newest of Debian's, or on PATH.
    private static let binaries: String? = {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let debian = versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "/usr/lib/postgresql/\($0)/bin" }
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return (debian + path).first { FileManager.default.isExecutableFile(atPath: $0 + "/postgres") }
    }()

    private init() throws {
        guard let programs = Self.binaries else { throw DeadlinePassed(description: Self.absence) }
        self.programs = programs
        directory =
            FileManager.default.temporaryDirectory.appendingPathComponent("millrace-postgres-\(UUID().uuidString)")
            .path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        // PostgreSQL refuses to run as root.
        var user: [String] = []
        if geteuid() == 0 {
            guard let entry = getpwnam("postgres") else {
                throw DeadlinePassed(description: "tests as root need a user postgres for the server")
            }
            guard chown(directory, entry.pointee.pw_uid, entry.pointee.pw_gid) == 0 else {
                throw DeadlinePassed(description: "\(directory) cannot be given to the user postgres")
            }
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        }
        let data = directory + "/data"
        let making = try ChildProcess(
            "/usr/bin/env",
            user + [
                programs + "/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                "--no-sync",
            ], mergesStandardError: true, deadline: .seconds(120))
        let said = try making.remainingOutput()
        guard try making.waitForEnd() == .exited(status: 0) else {
            throw DeadlinePassed(description: "initdb: \(said)")
        }
        port = try Self.freePort()
        let options = [
            "-D", data, "-p", "\(port)", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
            "-c", "max_connections=200", "-c", "shared_buffers=64MB", "-c", "log_min_messages=fatal",
        ]
        life = try Self.guarded(user + [programs + "/postgres"] + options, directory: directory)
        let end = ContinuousClock.now + .seconds(60)
        while try !isReady() {
            guard ContinuousClock.now < end else {
                let log = (try? String(contentsOfFile: directory + "/log", encoding: .utf8)) ?? ""
                throw DeadlinePassed(description: "the PostgreSQL server does not answer: \(log)")
            }
            usleep(50_000)
        }
    }

    private func isReady() throws -> Bool {
        let question = try ChildProcess(
            programs + "/pg_isready", ["-q", "-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres"])
        return try question.waitForEnd() == .exited(status: 0)
    }

    /// Starts a command under a shell that stops it, and removes the folder, when the pipe's other end is closed.
    private static func guarded(_ command: [String], directory: String) throws -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw DeadlinePassed(description: "pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, directory + "/log", O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // Interrupted, the server ends the sessions and goes.
        let script =
            "directory=$1; shift; \"$@\" </dev/null & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf \"$directory\""
        let arguments = ["sh", "-c", script, "sh", directory, "/usr/bin/env"] + command
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let failure = posix_spawn(&id, "/bin/sh", &actions, nil, &words, environ)
        guard failure == 0 else {
            close(ends[1])
            throw DeadlinePassed(description: "posix_spawn: \(String(cString: strerror(failure)))")
        }
        return ends[1]
    }

    /// One that nothing listens on now.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw DeadlinePassed(description: "no free port: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Runs SQL as an administrator would, with `psql`; answers its rows, columns parted by `|`.
    @discardableResult
    public func run(_ sql: String, in database: String = "postgres") throws -> String {
        let process = try ChildProcess(
            programs + "/psql",
            [
                "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", "\(port)", "-U", "postgres",
                "-d",
                database, "-c", sql,
            ], mergesStandardError: true)
        let output = try process.remainingOutput().trimmingCharacters(in: .newlines)
        guard try process.waitForEnd() == .exited(status: 0) else {
            throw DeadlinePassed(description: "psql: \(output)")
        }
        return output
    }
}

/// A new, empty database of the server, dropped with its last reference.
public final class PostgresDatabase: Sendable {
    public let server: PostgresServer
    public let name: String

    public init() throws {
        server = try PostgresServer.shared()
        name = "test_" + UUID().uuidString.lowercased().replacing("-", with: "")
        try server.run("CREATE DATABASE \(name)")
    }

    deinit { _ = try? server.run("DROP DATABASE \(name) WITH (FORCE)") }

    public var url: String { url(port: server.port) }

    /// Through something that stands before the server.
    public func url(port: Int) -> String { "postgres://postgres:not-a-secret@127.0.0.1:\(port)/\(name)" }

    @discardableResult
    public func run(_ sql: String) throws -> String { try server.run(sql, in: name) }
}
