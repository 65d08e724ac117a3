import CPostgres

/// The border to libpq: its errors become ours here and nowhere else.
///
/// Of what the server says only the primary message is kept: its details quote the values of keys.
extension StoreError {
    /// The field codes of an error's result: macros that Swift sees as other types than the call takes.
    private static let sqlStateField = Int32(UInt8(ascii: "C"))
    private static let primaryMessageField = Int32(UInt8(ascii: "M"))

    /// Of a result with an error.
    init(postgres result: OpaquePointer) {
        let state = PQresultErrorField(result, Self.sqlStateField).map { String(cString: $0) } ?? ""
        let message =
            PQresultErrorField(result, Self.primaryMessageField).map { String(cString: $0) }
            ?? Self.line(PQresultErrorMessage(result))
        self.init(sqlState: state, message: message)
    }

    init(sqlState state: String, message: String) {
        let kind: Code
        let meaning: String
        switch state {
        case "53100": (kind, meaning) = (.full, "no room left for the database")
        case "25006": (kind, meaning) = (.unwritable, "the server takes no writes now")
        case "55P03", "40P01", "40001": (kind, meaning) = (.busy, "another session holds what is needed")
        case "57014": (kind, meaning) = (.timedOut, "the statement was ended")
        case "XX001", "XX002": (kind, meaning) = (.corrupt, "the database is damaged")
        case "57P01", "57P02", "57P03", "57P05": (kind, meaning) = (.disconnected, "the server ended the session")
        case _ where state.hasPrefix("08"): (kind, meaning) = (.disconnected, "the connection to the database failed")
        default: (kind, meaning) = (.database, "PostgreSQL failed")
        }
        self.init(code: kind, message: "\(meaning): \(message) (SQLSTATE \(state.isEmpty ? "none" : state))")
    }

    /// What libpq says of a connection, which a server that could be asked would not have said.
    static func disconnected(_ what: String, _ connection: OpaquePointer?) -> StoreError {
        StoreError(code: .disconnected, message: "\(what): \(line(PQerrorMessage(connection)))")
    }

    /// libpq ends its messages with line breaks.
    private static func line(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "no reason was given" }
        let words = String(cString: text).split(whereSeparator: \.isNewline).map(String.init)
        return words.isEmpty ? "no reason was given" : words.joined(separator: "; ")
    }

    private static func line(_ text: UnsafeMutablePointer<CChar>?) -> String {
        line(text.map { UnsafePointer($0) })
    }
}

extension StoreError {
    /// Of a process that was the writer and is not any more.
    static func superseded(_ address: PostgresAddress) -> StoreError {
        StoreError(
            code: .superseded,
            message: "another process has become the writer of \(address) meanwhile: start this one again")
    }
}
