import Foundation
import TestSupport
import Testing

/// Whoever names the folder of the captured events wants their tests to run.
struct FixtureFolderTests {
    /// A slip in the path once skipped every test that needs them, and nobody saw it.
    @Test func theFolderThatIsNamedHoldsThem() {
        #expect(Fixtures.problem(of: Fixtures.given) == nil)
    }

    @Test func aFolderWithoutThemIsAProblem() throws {
        let directory = try TemporaryDirectory()
        #expect(Fixtures.problem(of: nil) == nil)
        #expect(Fixtures.problem(of: directory.path)?.contains(directory.path) == true)
        #expect(Fixtures.problem(of: directory.file("nowhere"))?.contains("schemas/index.json") == true)
        try FileManager.default.createDirectory(at: directory.url("schemas"), withIntermediateDirectories: false)
        #expect(Fixtures.problem(of: directory.path) != nil)
        try Data("[]".utf8).write(to: directory.url("schemas/index.json"))
        #expect(Fixtures.problem(of: directory.path) == nil)
    }
}
