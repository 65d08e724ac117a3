import Foundation
import TestSupport
import Testing

@testable import Sandbox

struct WholeFileTests {
    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber).intValue
    }

    @Test func aFileIsReplacedWholeAndHasItsMode() throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("x.json")
        // What a killed process has left is in nobody's way.
        try Data("half".utf8).write(to: directory.url("x.json.new"))
        try WholeFile.write("first".utf8, to: path, isPrivate: false)
        #expect(try mode(path) & 0o600 == 0o600)
        try WholeFile.write("second".utf8, to: path, isPrivate: true)
        #expect(try mode(path) == 0o600)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "second")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["x.json"])
    }

    @Test func whatCannotBeWrittenIsNamed() throws {
        let path = try TemporaryDirectory().file("none/x")
        let error = #expect(throws: WholeFile.Failure.self) {
            try WholeFile.write("x".utf8, to: path, isPrivate: true)
        }
        #expect(error?.path == path + ".new")
    }
}
