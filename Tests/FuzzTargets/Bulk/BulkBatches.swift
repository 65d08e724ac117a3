import CSV
import NIOCore

@testable import Doors

/// A batch of Bulk API 1.0, as CSV, JSON or XML: what comes out is CSV with as many values in each row as in the header.
enum BulkBatches {
    static func run(_ input: inout FuzzInput) {
        let type = [BulkContentType.csv, .json, .xml][Int(input.byte() % 3)]
        let bytes = input.remaining()
        let rows: [UInt8]
        do throws(OrgError) {
            rows = try BatchRows.csv(ByteBuffer(bytes: bytes), type)
        } catch {
            property(
                "an error is a client's fault", holds: (400..<500).contains(error.status) && !error.message.isEmpty)
            return
        }
        if type == .csv { return property("CSV stays as it is", holds: rows == bytes) }
        var reader = CSVReader(CSVDialect())
        reader.append(rows)
        reader.finish()
        var row = CSVRow()
        do {
            // A member may be named by nothing at all: the header is refused then, when the rows are worked on.
            guard let header = attempt({ try reader.header(into: &row) }), let header else { return }
            while try reader.next(into: &row) {
                property("a record has a value for each heading", holds: row.fault == nil && row.count == header.count)
            }
        } catch {
            fatalError("violated: the rows of a batch are CSV: \(error)")
        }
    }
}
