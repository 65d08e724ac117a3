import CPostgres

extension PostgresConnection {
    /// What is handed to libpq at once.
    private static let copiedAtOnce = 1 << 16
    /// `PGCOPY`, flags and the length of the header's extension.
    private static let copyHeader: [UInt8] =
        [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)

    /// Runs `COPY … FROM STDIN BINARY` with the rows that `next` makes, until it makes none. Answers how many there were.
    /// What was queued runs first. Rows are sent as they are made: some 64 KiB of them are held.
    func copy(_ sql: String, _ next: () -> PostgresCells?) throws(StoreError) -> Int {
        _ = try synchronize()
        // There is no COPY in a pipeline.
        guard PQexitPipelineMode(handle) == 1 else { throw lost("the connection cannot copy") }
        let outcome: Result<Int, StoreError>
        do throws(StoreError) {
            outcome = .success(try copyOutsidePipeline(sql, next))
        } catch {
            outcome = .failure(error)
        }
        if !isLost, PQenterPipelineMode(handle) != 1 { throw lost("the connection cannot go on after copying") }
        return try outcome.get()
    }

    private func copyOutsidePipeline(_ sql: String, _ next: () -> PostgresCells?) throws(StoreError) -> Int {
        guard PQsendQuery(handle, sql) == 1 else { throw lost("a statement could not be sent") }
        guard try takeResult() == PGRES_COPY_IN else {
            throw StoreError(code: .database, message: "COPY did not begin")
        }
        var chunk = Self.copyHeader
        var count = 0
        while let cells = next() {
            chunk += [UInt8(cells.count >> 8), UInt8(cells.count & 0xFF)]
            chunk += cells.bytes
            count += 1
            if chunk.count >= Self.copiedAtOnce {
                try put(chunk)
                chunk.removeAll(keepingCapacity: true)
            }
        }
        try put(chunk + [0xFF, 0xFF])
        while true {
            let ended = PQputCopyEnd(handle, nil)
            guard ended >= 0 else { throw lost("the end of a copy could not be sent") }
            if ended == 1 { break }
            try drain()
        }
        _ = try takeResult()
        // The end of the answer.
        try waitForResult()
        if let more = PQgetResult(handle) { PQclear(more) }
        return count
    }

    private func put(_ chunk: [UInt8]) throws(StoreError) {
        while true {
            let sent = chunk.withUnsafeBytes {
                PQputCopyData(handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), Int32($0.count))
            }
            guard sent >= 0 else { throw lost("rows could not be sent") }
            if sent == 1 { break }
            try drain()
        }
        try drain()
    }

    /// Waits until libpq holds nothing that is to be sent. What the server says meanwhile, an error, is read with it.
    private func drain() throws(StoreError) {
        while true {
            let flushed = PQflush(handle)
            guard flushed >= 0 else { throw lost("rows could not be sent") }
            if flushed == 0 { return }
            try wait(forWriting: true)
            guard PQconsumeInput(handle) == 1 else { throw lost("the connection to \(address) is lost") }
        }
    }

    /// The status of the next result; its error is thrown after the answer was read to its end.
    private func takeResult() throws(StoreError) -> ExecStatusType {
        try waitForResult()
        guard let pointer = PQgetResult(handle) else { throw lost("a statement has no answer") }
        defer { PQclear(pointer) }
        let status = PQresultStatus(pointer)
        guard status == PGRES_COPY_IN || status == PGRES_COMMAND_OK else {
            let error = StoreError(postgres: pointer)
            if PQstatus(handle) == CONNECTION_BAD { throw lost("the connection to \(address) is lost") }
            try waitForResult()
            while let more = PQgetResult(handle) {
                PQclear(more)
                try waitForResult()
            }
            throw error
        }
        return status
    }
}
