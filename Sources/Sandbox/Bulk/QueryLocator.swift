import Crypto
import Foundation

/// A place in the result of a query job, as a client gets it: a text that says nothing to it. Made from the row's number and the
/// job's id alone, so that it is the same every time; another job's, or one made up, is not taken.
enum QueryLocator {
    private static let sealBytes = 6

    static func text(row: Int, of jobID: String) -> String {
        let plain = QueryPlaces.bytes(row) + seal(row, jobID)
        return Data(plain).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    /// Nil for anything that is no locator of this job.
    static func row(_ text: String, of jobID: String) -> Int? {
        guard text.utf8.count < 64 else { return nil }
        var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: base64), data.count == QueryPlaces.width + sealBytes else { return nil }
        guard data[QueryPlaces.width - 1] == 0 else { return nil }
        let row = QueryPlaces.place([UInt8](data.prefix(QueryPlaces.width)))
        return Array(data.suffix(sealBytes)) == seal(row, jobID) ? row : nil
    }

    private static func seal(_ row: Int, _ jobID: String) -> [UInt8] {
        Array(SHA256.hash(data: Data("\(jobID):\(row)".utf8)).prefix(sealBytes))
    }
}
