import NIOCore
import NIOHTTP1
import Testing

@testable import Doors

/// How much a request may carry depends on where it goes.
struct UploadRulesTests {
    private let rules = RequestRules(limits: HTTPDoor.Limits(), takeovers: [], isTLS: false)

    private func bytesMax(_ method: HTTPMethod, _ uri: String) -> Int {
        rules.bodyBytesMax(of: HTTPRequestHead(version: .http1_1, method: method, uri: uri))
    }

    @Test func rowsOfABulkJobMayBeLarge() {
        let limits = rules.limits
        #expect(bytesMax(.PUT, "/services/data/v66.0/jobs/ingest/750x/batches") == limits.uploadBytesMax)
        #expect(bytesMax(.PUT, "/services/data/v66.0/jobs/ingest/750x/batches/?a=b") == limits.uploadBytesMax)
        #expect(bytesMax(.POST, "/services/async/66.0/job/750x/batch") == limits.batchBytesMax)
    }

    @Test(arguments: [
        "/services/data/v66.0/jobs/ingest/750x", "/services/data/v66.0/jobs/ingest/750x/batches/x",
        "/services/data/v66.0/sobjects/jobs/ingest/batches", "/services/data/v66.0/composite",
    ])
    func nothingElseMay(uri: String) {
        #expect(bytesMax(.PUT, uri) == rules.limits.bodyBytesMax)
        #expect(bytesMax(.POST, "/services/data/v66.0/jobs/ingest/750x/batches") == rules.limits.bodyBytesMax)
    }
}
