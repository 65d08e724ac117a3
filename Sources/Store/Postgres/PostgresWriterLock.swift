/// One writer per database: an advisory lock of the session that writes. It goes with the session, however that ends, so it
/// is held exactly as long as the session can commit.
enum PostgresWriterLock {
    /// "millrace" as a number. Advisory locks are of one database, so this is the database's.
    private static let key: Int64 = 0x6D69_6C6C_7261_6365
    /// What our own former session may take to end after it was told to.
    private static let formerSessionMax: Duration = .seconds(10)

    /// Who holds the lock.
    struct Holder {
        var process: Int32
        /// What the session calls itself: `millrace 4711@host a1b2c3d4`. Empty where the server does not tell us.
        var name: String
        var client: String

        var description: String {
            let words = name.split(separator: " ")
            guard words.count == 3, words[0] == "millrace" else {
                return "session \(process) of the server" + (client.isEmpty ? "" : ", from \(client)")
            }
            let parts = words[1].split(separator: "@", maxSplits: 1)
            return "process \(parts[0])" + (parts.count == 2 ? " on \(parts[1])" : "")
                + (client.isEmpty ? "" : " (from \(client))")
        }
    }

    static func take(_ connection: PostgresConnection) throws(StoreError) -> Bool {
        try connection.query("SELECT pg_try_advisory_lock(\(key))").first?.boolean(0) ?? false
    }

    /// At once, where the end of the session would take a moment.
    static func release(_ connection: PostgresConnection) throws(StoreError) {
        _ = try connection.query("SELECT pg_advisory_unlock(\(key))")
    }

    /// After a lost connection: the lost session may not have ended yet, where the server has not noticed. It is told to.
    static func takeBack(
        _ connection: PostgresConnection, from former: Int32, name: String
    ) throws(StoreError) -> Bool {
        let end = ContinuousClock.now + formerSessionMax
        while true {
            if try take(connection) { return true }
            guard ContinuousClock.now < end, let holder = try holder(connection), holder.process == former,
                holder.name == name
            else { return false }
            try endSession(former, name: name, connection)
            try pause(connection)
        }
    }

    /// Ends a session of ours that the server still has. Process ids come again: the name makes sure that it is ours.
    static func endSession(_ process: Int32, name: String, _ connection: PostgresConnection) throws(StoreError) {
        var cells = PostgresCells()
        cells.add(Int64(process))
        cells.add(name)
        _ = try connection.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE pid = $1::bigint::integer AND application_name = $2::text AND pid <> pg_backend_pid()
            """, cells)
    }

    /// Lets the server do something else for a moment.
    static func pause(_ connection: PostgresConnection) throws(StoreError) {
        _ = try connection.query("SELECT pg_sleep(0.05)")
    }

    static func holder(_ connection: PostgresConnection) throws(StoreError) -> Holder? {
        let result = try connection.query(
            """
            SELECT locks.pid, coalesce(sessions.application_name, ''), coalesce(host(sessions.client_addr), '')
            FROM pg_locks AS locks LEFT JOIN pg_stat_activity AS sessions ON sessions.pid = locks.pid
            WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objsubid = 1
            AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND locks.classid = \(UInt32(truncatingIfNeeded: key >> 32)) AND locks.objid = \(UInt32(truncatingIfNeeded: key))
            """)
        guard let row = result.first else { return nil }
        return Holder(
            process: Int32(truncatingIfNeeded: row.integer(0)), name: row.text(1) ?? "", client: row.text(2) ?? "")
    }
}
