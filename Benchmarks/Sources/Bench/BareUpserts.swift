import GRDBSQLite

/// `bench upserts SOURCE TABLE TARGET BATCH`: the rows of a table in a file of SQLite's, upserted into a table like it in another file
/// by a bare loop over SQLite's C interface: what the machine can do. Prints rows per second. The rows are in memory before.
func runBareUpserts(arguments: [String]) throws {
    guard arguments.count == 4, let batch = Int(arguments[3]), batch > 0 else { throw UsageError() }
    let source = try BareDatabase(arguments[0])
    let table = arguments[1]
    let target = try BareDatabase(arguments[2])
    try target.execute("PRAGMA journal_mode = WAL")
    try target.execute("PRAGMA synchronous = FULL")
    try target.execute("PRAGMA cache_size = -8192")
    try target.execute("DROP TABLE IF EXISTS \"\(table)\"")
    // The texts' collation is the store's own; a bytewise one costs no more.
    for definition in try source.rows("SELECT sql FROM sqlite_master WHERE tbl_name = '\(table)' AND sql NOT NULL") {
        guard case .text(let text) = definition[0] else { continue }
        try target.execute(
            String(decoding: text, as: UTF8.self).replacing(/COLLATE \w+/, with: "COLLATE BINARY"))
    }
    let rows = try source.rows("SELECT * FROM \"\(table)\"")
    let names = try source.columns("SELECT * FROM \"\(table)\" LIMIT 0").map { "\"\($0)\"" }
    let sql = """
        INSERT INTO "\(table)" (\(names.joined(separator: ", "))) VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))
        ON CONFLICT (sfid) DO UPDATE SET \(names.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
        """
    let start = ContinuousClock.now
    try target.insert(rows, sql, batch: batch)
    print(Double(rows.count) / ((ContinuousClock.now - start) / .seconds(1)))
}
