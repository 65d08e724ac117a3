import HTTPTypes
import Testing

@testable import Doors

struct ClassicHeadersTests {
    private func chunking(_ value: String) throws -> PKChunking? {
        var headers = HTTPFields()
        headers[try #require(HTTPField.Name("Sforce-Enable-PKChunking"))] = value
        return try ClassicHeaders.pkChunking(headers)
    }

    @Test func theHeaderIsReadInAllItsForms() throws {
        #expect(try chunking("TRUE") == PKChunking())
        #expect(try chunking("false") == nil)
        #expect(try ClassicHeaders.pkChunking([:]) == nil)
        #expect(
            try chunking("chunkSize=50000; startRow=00130000000xEftMGH; parent=Account")
                == PKChunking(chunkSize: 50_000, startRow: "00130000000xEftMGH", parent: "Account"))
        #expect(try chunking("chunkSize=250000")?.chunkSize == PKChunking.chunkSizeMax)
    }

    @Test(arguments: ["chunkSize=250001", "chunkSize=0", "chunkSize=x", "nonsense", "size=3", ";=;"])
    func whatItCannotBeIsRefused(value: String) {
        #expect(throws: OrgError.self) { try chunking(value) }
    }
}
