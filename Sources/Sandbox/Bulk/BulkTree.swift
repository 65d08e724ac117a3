import ChangeEvents
import Doors
import NIOCore

/// A flat row as Bulk 1.0 nests it in JSON and XML: `Owner.Name` stands within `Owner`.
///
/// Date-times in JSON are milliseconds since 1970, as Bulk 1.0 writes them; an empty parent is null.
struct BulkTree {
    private indirect enum Node {
        case value(FieldValue)
        case object([(name: String, node: Node)])
    }

    private var members: [(name: String, node: Node)] = []
    private let object: String
    private let url: String

    init(_ row: ArraySlice<FieldValue>, _ columns: [String], object: String, idColumn: Int?, apiVersion: String) {
        self.object = object
        let id: String? = idColumn.flatMap { column in
            guard case .string(let text) = row[row.startIndex + column] else { return nil }
            return text
        }
        url = "/services/data/v\(apiVersion)/sobjects/\(object)" + (id.map { "/\($0)" } ?? "")
        for (column, value) in zip(columns, row) {
            Self.insert(value, column.split(separator: ".")[...], into: &members)
        }
    }

    private static func insert(
        _ value: FieldValue, _ path: ArraySlice<Substring>, into members: inout [(name: String, node: Node)]
    ) {
        guard let first = path.first else { return }
        guard path.count > 1 else {
            members.append((String(first), .value(value)))
            return
        }
        let index = members.firstIndex { $0.name == first } ?? members.count
        if index == members.count { members.append((String(first), .object([]))) }
        guard case .object(var inner) = members[index].node else { return }
        insert(value, path.dropFirst(), into: &inner)
        members[index].node = .object(inner)
    }

    func writeJSON(into buffer: inout ByteBuffer) {
        let attributes = JSONValue.object([
            .init(name: "type", value: .string(object)), .init(name: "url", value: .string(url)),
        ])
        let rest = members.map { JSONValue.Member(name: $0.name, value: Self.json($0.node)) }
        JSONWriter.write(.object([.init(name: "attributes", value: attributes)] + rest), into: &buffer)
    }

    func xml() -> String {
        "<records xsi:type=\"sObject\"><type>\(object)</type>" + members.map { Self.xml($0.name, $0.node) }.joined()
            + "</records>"
    }

    private static func isEmpty(_ node: Node) -> Bool {
        switch node {
        case .value(let value): value == .null
        case .object(let members): members.allSatisfy { isEmpty($0.node) }
        }
    }

    private static func json(_ node: Node) -> JSONValue {
        switch node {
        case .object(let members):
            if isEmpty(node) { return .null }
            return .object(members.map { .init(name: $0.name, value: json($0.node)) })
        case .value(let value):
            switch value {
            case .null: return .null
            case .boolean(let flag): return .boolean(flag)
            case .integer(let number): return .number(String(number))
            case .double(let number): return .number(String(number))
            case .string(let text): return .string(text)
            case .date(let milliseconds), .dateTime(let milliseconds): return .number(String(milliseconds))
            case .time(let milliseconds): return .string(OrgTime.timeText(milliseconds))
            case .list(let names): return .string(names.joined(separator: ";"))
            }
        }
    }

    private static func xml(_ name: String, _ node: Node) -> String {
        switch node {
        case .object(let members):
            if isEmpty(node) { return "<\(name) xsi:nil=\"true\"/>" }
            return "<\(name) xsi:type=\"sObject\">" + members.map { xml($0.name, $0.node) }.joined() + "</\(name)>"
        case .value(let value):
            let text: String
            switch value {
            case .null: return "<\(name) xsi:nil=\"true\"/>"
            case .boolean(let flag): text = String(flag)
            case .integer(let number): text = String(number)
            case .double(let number): text = String(number)
            case .string(let string): text = XMLText.escaped(string)
            case .date(let milliseconds): text = OrgTime.dateText(milliseconds)
            case .dateTime(let milliseconds): text = String(OrgTime.dateTimeText(milliseconds).dropLast(5)) + "Z"
            case .time(let milliseconds): text = OrgTime.timeText(milliseconds)
            case .list(let names): text = XMLText.escaped(names.joined(separator: ";"))
            }
            return "<\(name)>\(text)</\(name)>"
        }
    }
}
