import CPostgres

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One session of the server, in libpq's pipeline mode: `send` queues a statement and goes on, `query` waits for the answer
/// of all that was queued.
///
/// An error of a queued statement comes out of the next call that waits; the server skips what stands behind it. Used by one
/// thread at a time, and never blocked without looking at the socket: it writes and reads together, so that neither side
/// waits for the other with full buffers.
final class PostgresConnection {
    /// Statements that are under way before their answers are read.
    private static let queuedMax = 500
    /// Bytes of them.
    private static let queuedBytesMax = 1 << 20
    /// How often a statement that may be ended is asked about, in milliseconds.
    private static let questionInterval: Int32 = 20
    /// Without such a statement, only the socket wakes the thread.
    private static let idleInterval: Int32 = 1_000
    /// What the end of a session takes after the server's last words, in milliseconds.
    private static let endInterval: Int32 = 100
    /// What a server that was asked to end a statement may take before the connection is given up.
    private static let endingMax: Duration = .seconds(10)
    /// Statements kept prepared per session.
    private static let statementsMax = 2_000
    /// `PQserverVersion` of PostgreSQL 13: the oldest with what is used here, and the oldest that is maintained.
    private static let serverVersionMin: Int32 = 130_000

    let handle: OpaquePointer
    let address: PostgresAddress
    /// Process id of the session on the server.
    let serverProcess: Int32
    /// Set when the server is gone: nothing can be asked any more.
    private(set) var isLost = false
    /// Ends a statement of a read that is no longer wanted.
    var watch: ReadWatch?
    private var queued: [Queued] = []
    private var queuedBytes = 0
    private var statements: [String: String] = [:]
    private var statementNumber = 0
    private var mustDeallocate = false

    private enum Queued {
        case preparation(sql: String)
        case statement
    }

    /// Opens a session. Blocks for at most 10 seconds per address of the host, unless the URL says otherwise.
    init(_ address: PostgresAddress, name: String) throws(StoreError) {
        // What stands before `dbname` the URL may set otherwise; what stands behind it holds.
        let options: [(String, String)] = [
            ("connect_timeout", "10"), ("keepalives_idle", "10"), ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"), ("dbname", address.text), ("application_name", name),
            ("client_encoding", "UTF8"),
        ]
        let keywords = options.map { strdup($0.0) }
        let values = options.map { strdup($0.1) }
        defer { for word in keywords + values { free(word) } }
        let opened = PQconnectdbParams(
            keywords.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 1)
        guard let opened else {
            throw StoreError(code: .disconnected, message: "no memory for a connection to \(address)")
        }
        guard PQstatus(opened) == CONNECTION_OK else {
            defer { PQfinish(opened) }
            throw .disconnected("cannot connect to \(address)", opened)
        }
        handle = opened
        self.address = address
        serverProcess = PQbackendPID(opened)
        // The server's notices ("already exists, skipping") are no news; libpq would print them.
        PQsetNoticeProcessor(opened, { _, _ in }, nil)
        try check()
        // Columns without a time zone are in UTC, whatever the server's own is.
        let zoned = PQexec(opened, "SET TIME ZONE 'UTC'")
        defer { PQclear(zoned) }
        guard PQresultStatus(zoned) == PGRES_COMMAND_OK else {
            throw .disconnected("cannot set up the connection to \(address)", opened)
        }
        guard PQsetnonblocking(opened, 1) == 0, PQenterPipelineMode(opened) == 1 else {
            throw .disconnected("cannot set up the connection to \(address)", opened)
        }
    }

    deinit { PQfinish(handle) }

    private func check() throws(StoreError) {
        let version = PQserverVersion(handle)
        guard version >= Self.serverVersionMin else {
            throw StoreError(
                code: .database, message: "\(address) is PostgreSQL \(version / 10_000): 13 or newer is needed")
        }
        guard let encoding = PQparameterStatus(handle, "server_encoding"), String(cString: encoding) == "UTF8" else {
            throw StoreError(code: .database, message: "\(address) does not have the encoding UTF8")
        }
        try configure(
            """
            SET search_path = pg_catalog, millrace, salesforce; SET lock_timeout = '60s'; SET statement_timeout = 0;
            SET idle_in_transaction_session_timeout = 0; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2;
            SET tcp_keepalives_count = 3;
            SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
            """)
        // The server notices a client that is gone, also in the middle of a statement: its locks go with it. It can on Linux.
        if version >= 140_000 {
            try configure(
                """
                SELECT set_config('client_connection_check_interval', '5s', false) WHERE version() LIKE '%linux%'
                """)
        }
    }

    private func configure(_ settings: String) throws(StoreError) {
        guard let result = PQexec(handle, settings) else { throw .disconnected("\(address) does not answer", handle) }
        defer { PQclear(result) }
        let status = PQresultStatus(result)
        guard status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK else { throw StoreError(postgres: result) }
    }

    /// False once the server has closed the session, as far as has come in; to be called between transactions.
    ///
    /// A server that ends a session says why, and closes it then: after words that nobody has asked for, the end is waited for a
    /// moment.
    func isAlive() -> Bool {
        var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        var patience: Int32 = 0
        while !isLost, poll(&descriptor, 1, patience) > 0 {
            if PQconsumeInput(handle) == 0 || PQstatus(handle) == CONNECTION_BAD { isLost = true }
            patience = Self.endInterval
        }
        return !isLost
    }

    /// Outside a transaction.
    var isIdle: Bool { PQtransactionStatus(handle) == PQTRANS_IDLE }

    // Statements.

    /// Queues a statement whose answer is only that it went well.
    func send(_ sql: String, _ cells: PostgresCells = PostgresCells()) throws(StoreError) {
        try enqueue(sql, cells)
        if queued.count >= Self.queuedMax || queuedBytes >= Self.queuedBytesMax { _ = try synchronize() }
    }

    /// Runs a statement, and all that were queued before it.
    func query(_ sql: String, _ cells: PostgresCells = PostgresCells()) throws(StoreError) -> PostgresResult {
        try enqueue(sql, cells)
        guard let result = try synchronize() else {
            throw StoreError(code: .database, message: "PostgreSQL answered nothing to a statement")
        }
        return result
    }

    /// Runs a statement that is not kept prepared, with parameters of these types (0: as the statement has it).
    func query(unprepared sql: String, _ cells: PostgresCells, types: [UInt32]) throws(StoreError) -> PostgresResult {
        try checkLost()
        let sent = cells.withParameters { values, lengths in
            PQsendQueryParams(
                handle, sql, Int32(values.count), types, values, lengths, [Int32](repeating: 1, count: values.count), 1)
        }
        guard sent == 1 else { throw lost("a statement could not be sent") }
        queued.append(.statement)
        guard let result = try synchronize() else {
            throw StoreError(code: .database, message: "PostgreSQL answered nothing to a statement")
        }
        return result
    }

    /// The answers of everything that was queued; throws the first error among them.
    func synchronize() throws(StoreError) -> PostgresResult? {
        try checkLost()
        guard PQpipelineSync(handle) == 1 else { throw lost("a statement could not be sent") }
        defer {
            queued.removeAll(keepingCapacity: true)
            queuedBytes = 0
        }
        var failure: StoreError?
        var last: PostgresResult?
        var index = 0
        while true {
            try waitForResult()
            guard let pointer = PQgetResult(handle) else {
                // The end of what one statement answered.
                index += 1
                guard index <= queued.count else { throw lost("the answers do not fit the statements") }
                continue
            }
            let result = PostgresResult(pointer)
            switch PQresultStatus(pointer) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                last = result
            case PGRES_PIPELINE_SYNC:
                if let failure { throw failure }
                return last
            case PGRES_PIPELINE_ABORTED:
                forget(index)
            default:
                forget(index)
                let error = StoreError(postgres: pointer)
                if PQstatus(handle) == CONNECTION_BAD || error.code == .disconnected {
                    isLost = true
                    throw StoreError(code: .disconnected, message: "\(address): \(error.message)", cause: error)
                }
                failure = failure ?? error
            }
        }
    }

    /// A preparation that did not happen.
    private func forget(_ index: Int) {
        guard index < queued.count, case .preparation(let sql) = queued[index] else { return }
        statements[sql] = nil
    }

    /// Tables have changed: what is prepared for them may give columns of other types. To be followed by other statements only
    /// in the same transaction, or by `deallocate`.
    func forgetStatements() {
        statements = [:]
        mustDeallocate = true
    }

    /// At the beginning of a transaction, before its first statement.
    func deallocate() throws(StoreError) {
        guard mustDeallocate || statements.count > Self.statementsMax else { return }
        statements = [:]
        mustDeallocate = false
        let sent = PQsendQueryParams(handle, "DEALLOCATE ALL", 0, nil, nil, nil, nil, 1)
        guard sent == 1 else { throw lost("a statement could not be sent") }
        queued.append(.statement)
        _ = try synchronize()
    }

    private func enqueue(_ sql: String, _ cells: PostgresCells) throws(StoreError) {
        try checkLost()
        let name: String
        if let known = statements[sql] {
            name = known
        } else {
            statementNumber += 1
            name = "s\(statementNumber)"
            guard PQsendPrepare(handle, name, sql, 0, nil) == 1 else { throw lost("a statement could not be sent") }
            statements[sql] = name
            queued.append(.preparation(sql: sql))
        }
        let sent = cells.withParameters { values, lengths in
            PQsendQueryPrepared(
                handle, name, Int32(values.count), values, lengths, [Int32](repeating: 1, count: values.count), 1)
        }
        guard sent == 1 else { throw lost("a statement could not be sent") }
        queued.append(.statement)
        queuedBytes += sql.utf8.count + cells.bytes.count
    }

    // Waiting.

    /// Returns when a result can be taken without blocking.
    func waitForResult() throws(StoreError) {
        var endsAt: ContinuousClock.Instant?
        while true {
            let flushed = PQflush(handle)
            guard flushed >= 0 else { throw lost("the connection to \(address) is lost") }
            if flushed == 0, PQisBusy(handle) == 0 { return }
            try wait(forWriting: flushed == 1)
            guard PQconsumeInput(handle) == 1 else { throw lost("the connection to \(address) is lost") }
            guard let watch, watch.mustEnd else { continue }
            if let endsAt {
                guard ContinuousClock.now < endsAt else { throw lost("\(address) does not end a statement") }
            } else {
                endsAt = .now + Self.endingMax
                cancel()
            }
        }
    }

    /// Waits for the socket, a bounded time.
    func wait(forWriting: Bool) throws(StoreError) {
        let events = Int16(POLLIN) | (forWriting ? Int16(POLLOUT) : 0)
        var descriptor = pollfd(fd: PQsocket(handle), events: events, revents: 0)
        let answer = poll(&descriptor, 1, watch == nil ? Self.idleInterval : Self.questionInterval)
        guard answer >= 0 || errno == EINTR else { throw lost("the connection to \(address) cannot be waited for") }
    }

    /// Asks the server to end the statement that runs.
    private func cancel() {
        guard let request = PQgetCancel(handle) else { return }
        defer { PQfreeCancel(request) }
        var message = [CChar](repeating: 0, count: 256)
        // Where the request does not come through, the deadline of the wait ends it.
        _ = PQcancel(request, &message, Int32(message.count))
    }

    private func checkLost() throws(StoreError) {
        if isLost { throw StoreError(code: .disconnected, message: "the connection to \(address) is lost") }
    }

    func lost(_ what: String) -> StoreError {
        isLost = true
        return .disconnected(what, handle)
    }
}
