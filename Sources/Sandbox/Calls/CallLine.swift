import Doors

/// One line of the event log file `ApiTotalUsage`: CSV, every value in quotes.
struct CallLine {
    /// The columns in their order; readers go by their names.
    static let columns = [
        "EVENT_TYPE", "TIMESTAMP", "REQUEST_ID", "ORGANIZATION_ID", "USER_ID", "API_FAMILY", "API_VERSION",
        "API_RESOURCE", "CLIENT_NAME", "HTTP_METHOD", "CLIENT_IP", "COUNTS_AGAINST_API_LIMIT", "CONNECTED_APP_ID",
        "ENTITY_NAME", "STATUS_CODE", "USER_NAME", "CONNECTED_APP_NAME", "API_CLIENT_CATEGORY", "BOT_IDENTIFIER",
        "BOT_SESSION_IDENTIFIER", "PLANNER_IDENTIFIER", "TIMESTAMP_DERIVED",
    ]
    static let types = columns.map { column in
        switch column {
        case "TIMESTAMP_DERIVED": "DateTime"
        case "USER_ID", "ORGANIZATION_ID", "REQUEST_ID", "CONNECTED_APP_ID": "Id"
        case "COUNTS_AGAINST_API_LIMIT": "Boolean"
        case "CLIENT_IP": "IP"
        case "STATUS_CODE": "Number"
        default: "String"
        }
    }
    static let eventType = "ApiTotalUsage"

    static let header = Array((columns.map { "\"\($0)\"" }.joined(separator: ",") + "\n").utf8)

    /// Appends the line of a call that was answered at `time`.
    static func write(
        _ call: APICall, at time: Int64, organizationID: Substring, app: ConnectedAppName?, into text: inout [UInt8]
    ) {
        let dateTime = OrgTime.dateTimeText(time).dropLast(5)
        let values: [Substring] = [
            eventType[...], Substring(dateTime.filter { $0 != "-" && $0 != "T" && $0 != ":" }), call.requestID[...],
            organizationID, call.session?.userID.prefix(15) ?? "", call.family.rawValue[...], call.version[...],
            call.resource[...], call.clientName?[...] ?? "", call.method[...], call.clientAddress[...],
            call.countsAgainstLimit ? "1" : "0", app?.id[...] ?? "", call.entity[...], Substring(String(call.status)),
            call.session?.username[...] ?? "", app?.name[...] ?? "", "", "", "", "", dateTime + "Z",
        ]
        for (index, value) in values.enumerated() {
            text.append(index == 0 ? UInt8(ascii: "\"") : UInt8(ascii: ","))
            if index > 0 { text.append(UInt8(ascii: "\"")) }
            for byte in value.utf8 {
                if byte == UInt8(ascii: "\"") { text.append(byte) }
                text.append(byte)
            }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "\n"))
    }
}

/// A connected app as logs name it.
struct ConnectedAppName: Sendable, Hashable {
    /// `0H4…`, 15 characters.
    var id: String
    var name: String

    /// The id is made from the client id, so that it stays the same without being kept.
    init(clientID: String, name: String, instance: String) {
        // FNV-1a, 64 bits.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in clientID.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        id = "0H4" + instance + "0" + Base62.text(hash % 1_000_000_000_000, width: 9)
        self.name = name
    }
}
