import Foundation
import Testing

@testable import millrace

/// `docs/configuration.md` says what the code does.
struct DocumentationTests {
    private static func page() throws -> String { try text("docs/configuration.md") }

    private static var root: URL {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Every module has its floor in the architecture, and in the check that keeps it there.
    @Test func architectureNamesEveryModule() throws {
        let modules = try FileManager.default.contentsOfDirectory(
            atPath: Self.root.appendingPathComponent("Sources").path)
        #expect(modules.count > 10)
        let (page, check) = (try Self.text("docs/architecture.md"), try Self.text("scripts/check-style"))
        for module in modules {
            #expect(page.contains("`\(module)`"), "docs/architecture.md does not name \(module)")
            #expect(check.contains("\"\(module)\": "), "scripts/check-style has no floor for \(module)")
        }
    }

    @Test func tableIsTheListOfKeys() throws {
        let rows = try Self.page().split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
        #expect(rows == ConfigurationKey.all.map(\.tableRow))
    }

    @Test func keysAreNamedOnceAndDescribed() {
        let paths = ConfigurationKey.all.map(\.path)
        #expect(Set(paths).count == paths.count)
        #expect(ConfigurationKey.all.allSatisfy { !$0.effect.isEmpty && !$0.effect.contains("|") })
    }

    /// The example of the page is a whole file without mistakes, and names every key (those of a group by one of it).
    @Test func exampleWorks() throws {
        let page = try Self.page()
        let parts = page.split(separator: "```yaml\n", maxSplits: 1)
        let example = try #require(parts.last?.split(separator: "```").first)
        let files = try ConfigurationFiles()
        try files.writeAuthority()
        let configuration = try files.parse(
            String(example),
            environment: [
                "MILLRACE_PUSH_SECRET": ConfigurationFiles.secret, "MILLRACE_ADMIN_SECRET": ConfigurationFiles.secret,
            ])
        #expect(configuration.trackedObjects?.isEmpty == false)
        for key in ConfigurationKey.all {
            if case .oneOf = key.presence { continue }
            #expect(example.contains("\(key.name):"), "\(key.path)")
        }
    }
}
