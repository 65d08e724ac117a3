import NIOCore
import Testing

@testable import Doors

struct MultipartBodyTests {
    private func parts(_ text: String, boundary: String = "b") throws -> [String: String] {
        try MultipartBody.parts(ByteBuffer(string: text), boundary: boundary).mapValues { String(buffer: $0) }
    }

    @Test func partsAreFoundByTheirNames() throws {
        let body =
            "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"job\"\r\nContent-Type: application/json\r\n\r\n{}\r\n"
            + "--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"x\"\r\n\r\nName\nAda\n\r\n--b--\r\n"
        #expect(try parts(body) == ["job": "{}", "content": "Name\nAda\n"])
        #expect(try parts(body.replacing("\r\n", with: "\n"))["job"] == "{}")
    }

    @Test func theBoundaryComesFromTheType() {
        #expect(MultipartBody.boundary("multipart/form-data; boundary=abc") == "abc")
        #expect(MultipartBody.boundary("Multipart/Form-Data; charset=x; boundary=\"a b\"") == "a b")
        #expect(MultipartBody.boundary("multipart/form-data") == "")
        #expect(MultipartBody.boundary("application/json") == nil)
        #expect(MultipartBody.boundary(nil) == nil)
    }

    @Test(arguments: [
        "", "no boundary at all", "--b", "--b\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nnever ends",
        "--b\r\nContent-Type: x\r\n\r\nno name\r\n--b--", "--b\r\nno headers end\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=x\r\n\r\n2\r\n--b--",
    ])
    func whatIsNoMultipartBodyIsRefused(text: String) {
        #expect(throws: OrgError.self) { try parts(text) }
    }

    @Test func anEmptyBoundaryIsRefused() {
        #expect(throws: OrgError.self) { try parts("--\r\n----", boundary: "") }
        #expect(throws: OrgError.self) { try parts("--\r\n----", boundary: String(repeating: "b", count: 71)) }
    }
}
