internal import CSV
internal import NIOCore

/// The rows of a Bulk 1.0 batch as CSV, whatever they came as: so there is one way to work on them.
///
/// A member that a record does not name is an empty cell, which changes nothing; null is `NewBatch.nullMarker`.
enum BatchRows {
    static let rowsMax = 10_000
    static let bytesMax = 10 << 20
    private static let elementsMax = 1_000_000
    /// Rows times columns: a batch in which every record names other fields would fill the memory with empty cells. An object
    /// has less than a thousand fields.
    static let cellsMax = 2_000 * rowsMax

    static func csv(_ content: ByteBuffer, _ type: BulkContentType) throws(OrgError) -> [UInt8] {
        switch type {
        case .csv: return try checked(content)
        case .json: return try table(json(content))
        case .xml: return try table(xml(content))
        }
    }

    private typealias Record = [(name: String, value: String)]

    private static func checked(_ content: ByteBuffer) throws(OrgError) -> [UInt8] {
        var reader = CSVReader(CSVDialect(lineEnding: .either))
        reader.append(content.readableBytesView)
        reader.finish()
        var row = CSVRow()
        var count = 0
        do throws(CSVError) {
            _ = try reader.header(into: &row)
            while try reader.next(into: &row) { count += 1 }
        } catch {
            throw invalid("Failed to parse CSV. \(error.description)")
        }
        try check(rows: count)
        return Array(content.readableBytesView)
    }

    private static func json(_ content: ByteBuffer) throws(OrgError) -> [Record] {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONParser.parse(content.readableBytesView)
        } catch {
            throw invalid("Failed to parse JSON. \(error.description)")
        }
        guard case .array(let values) = document else { throw invalid("A batch must be an array of records.") }
        var records: [Record] = []
        for value in values {
            guard let object = JSONObject(value) else { throw invalid("A record must be an object.") }
            var record: Record = []
            for member in object.members where member.name != "attributes" {
                if let relation = JSONObject(member.value) {
                    // `{"Owner": {"attributes": {"type": "User"}, "Email": "x"}}`
                    let prefix = relation.recordType.map { "\($0):" } ?? ""
                    for inner in relation.members where inner.name != "attributes" {
                        record.append(("\(prefix)\(member.name).\(inner.name)", try cell(inner.value, inner.name)))
                    }
                } else {
                    record.append((member.name, try cell(member.value, member.name)))
                }
            }
            records.append(record)
        }
        return records
    }

    private static func cell(_ value: JSONValue, _ name: String) throws(OrgError) -> String {
        switch value {
        case .null: return NewBatch.nullMarker
        case .boolean(let flag): return String(flag)
        case .number(let number): return number
        case .string(let text): return text.replacing(NewBatch.nullMarker, with: "")
        case .array, .object: throw invalid("The value of \(name) is no value of a field.")
        }
    }

    private static func xml(_ content: ByteBuffer) throws(OrgError) -> [Record] {
        let root: XMLElement
        do throws(XMLError) {
            root = try XMLReader.parse(content.readableBytesView, elementsMax: elementsMax)
        } catch {
            throw invalid("Failed to parse XML. \(error.reason)")
        }
        guard root.name == "sObjects" else { throw invalid("A batch must be an element sObjects.") }
        return root.children.map { object in
            var record: Record = []
            for field in object.children where field.name != "type" {
                guard let relation = field.child("sObject") else {
                    record.append((field.name, cell(field)))
                    continue
                }
                let prefix = relation.child("type").map { "\($0.text):" } ?? ""
                for inner in relation.children where inner.name != "type" {
                    record.append(("\(prefix)\(field.name).\(inner.name)", cell(inner)))
                }
            }
            return record
        }
    }

    private static func cell(_ element: XMLElement) -> String {
        ["true", "1"].contains(element.attributes["nil"]) ? NewBatch.nullMarker : element.text
    }

    /// One column per name, in the order in which the names appear.
    private static func table(_ records: [Record]) throws(OrgError) -> [UInt8] {
        try check(rows: records.count)
        var columns: [String: Int] = [:]
        var headings: [String] = []
        for record in records {
            for (name, _) in record where columns[name.lowercased()] == nil {
                columns[name.lowercased()] = headings.count
                headings.append(name)
            }
        }
        guard !headings.isEmpty else { throw invalid("The batch has no records.") }
        guard records.count * headings.count <= cellsMax else {
            throw invalid("\(records.count) records name \(headings.count) fields; that is too many together.")
        }
        var writer = CSVWriter(CSVDialect())
        writer.write(row: headings)
        var cells = [String](repeating: "", count: headings.count)
        for record in records {
            for index in cells.indices { cells[index] = "" }
            for (name, value) in record {
                if let column = columns[name.lowercased()] { cells[column] = value }
            }
            writer.write(row: cells)
        }
        return writer.take()
    }

    private static func check(rows: Int) throws(OrgError) {
        guard rows <= rowsMax else { throw invalid("A batch may have \(rowsMax) records; this has \(rows).") }
    }

    private static func invalid(_ message: String) -> OrgError {
        OrgError(status: 400, errorCode: "InvalidBatch", message: message)
    }
}
