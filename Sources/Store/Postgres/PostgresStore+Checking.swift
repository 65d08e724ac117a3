extension PostgresStore {
    /// Whether the database answers, and its server's version, without becoming its writer. Blocks; throws `StoreError`.
    public static func serverVersion(of url: String) throws(StoreError) -> String {
        let connection = try PostgresConnection(PostgresAddress(url), name: "millrace check")
        return try connection.query("SELECT current_setting('server_version')").first?.text(0) ?? ""
    }
}
