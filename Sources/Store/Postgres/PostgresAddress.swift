import CPostgres

/// Where a database is: a URL (`postgres://user@host:5432/name?…`) or a connection string, as libpq reads it.
///
/// `description` is what errors and logs may show: it never holds the password or any other parameter.
struct PostgresAddress: Sendable, CustomStringConvertible {
    /// With the password. Goes to libpq and nowhere else.
    let text: String
    let description: String

    init(_ text: String) throws(StoreError) {
        // libpq's own message would quote the text, and with it the password.
        guard let options = PQconninfoParse(text, nil) else {
            throw StoreError(
                code: .database,
                message: "the database's URL cannot be read: it should look like postgres://user@host:5432/name")
        }
        defer { PQconninfoFree(options) }
        var parts: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parts[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        self.text = text
        var shown = "postgres://"
        if let user = parts["user"] { shown += user + "@" }
        shown += parts["host"] ?? parts["hostaddr"] ?? "localhost"
        if let port = parts["port"] { shown += ":" + port }
        if let name = parts["dbname"] { shown += "/" + name }
        description = shown
    }
}
