import NIOCore
import Testing

@testable import Doors

/// The rows of a Bulk 1.0 batch, whatever they come as.
struct BatchRowsTests {
    private func csv(_ text: String, _ type: BulkContentType) throws -> String {
        String(decoding: try BatchRows.csv(ByteBuffer(string: text), type), as: UTF8.self)
    }

    private let null = NewBatch.nullMarker

    @Test func jsonRecordsBecomeRowsUnderAllTheirNames() throws {
        let text = """
            [{"attributes":{"type":"Account"},"Name":"Ada","NumberOfEmployees":3,"IsActive":true},
             {"name":"Bo","Site":null,"Owner":{"attributes":{"type":"User"},"Email":"x@y.z"}}]
            """
        #expect(
            try csv(text, .json) == "\"Name\",\"NumberOfEmployees\",\"IsActive\",\"Site\",\"User:Owner.Email\"\n"
                + "\"Ada\",\"3\",\"true\",\"\",\"\"\n\"Bo\",\"\",\"\",\"\(null)\",\"x@y.z\"\n")
    }

    @Test func xmlRecordsBecomeRows() throws {
        let text = """
            <?xml version="1.0"?><sObjects xmlns="http://www.force.com/2009/06/asyncapi/dataload"
              xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><sObject><type>Account</type><Name>A &amp; B</Name>
              <Phone xsi:nil="true"/></sObject><sObject><Name>C</Name><Owner><sObject><type>User</type><Email>e</Email></sObject>
              </Owner></sObject></sObjects>
            """
        #expect(
            try csv(text, .xml)
                == "\"Name\",\"Phone\",\"User:Owner.Email\"\n\"A & B\",\"\(null)\",\"\"\n\"C\",\"\",\"e\"\n")
    }

    @Test func csvStaysAsItIs() throws {
        #expect(try csv("Name\r\nAda\r\n", .csv) == "Name\r\nAda\r\n")
    }

    @Test func aNullMarkerCannotBeSentAsText() throws {
        #expect(try csv("[{\"Name\":\"\\u0000\"}]", .json) == "\"Name\"\n\"\"\n")
    }

    @Test(arguments: [
        ("{}", BulkContentType.json), ("[", .json), ("[3]", .json), ("[]", .json), ("[{}]", .json),
        ("[{\"a\":[1]}]", .json),
        ("[{\"a\":{\"b\":{\"c\":1}}}]", .json), ("<x/>", .xml), ("<sObjects>", .xml), ("", .xml), ("", .csv),
        ("a,a\n", .csv),
        ("\"x", .csv), ("<!DOCTYPE x [<!ENTITY e \"e\">]><sObjects/>", .xml),
    ])
    func whatIsNoBatchIsRefused(text: String, type: BulkContentType) {
        #expect { try csv(text, type) } throws: { ($0 as? OrgError)?.errorCode == "InvalidBatch" }
    }

    /// A table of all names in all rows was made, whatever its size: ten megabytes of JSON could ask for gigabytes.
    @Test func aBatchHasNoMoreCellsThanMemory() throws {
        let columns = BatchRows.cellsMax / BatchRows.rowsMax
        let wide = "{" + (0..<columns).map { "\"a\($0)\":1" }.joined(separator: ",") + "}"
        let narrow = String(repeating: ",{\"a0\":1}", count: 9)
        #expect(try csv("[\(wide)\(narrow)]", .json).hasPrefix("\"a0\",\"a1\""))
        let rows = String(repeating: ",{\"a0\":1,\"b\":2}", count: BatchRows.rowsMax - 1)
        #expect { try csv("[\(wide)\(rows)]", .json) } throws: { ($0 as? OrgError)?.errorCode == "InvalidBatch" }
    }

    @Test func aBatchHasTenThousandRowsAtMost() throws {
        let rows = String(repeating: "x\n", count: BatchRows.rowsMax)
        #expect(throws: Never.self) { try csv("Name\n" + rows, .csv) }
        #expect(throws: OrgError.self) { try csv("Name\n" + rows + "x\n", .csv) }
    }
}
