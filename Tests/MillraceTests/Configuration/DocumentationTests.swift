import Foundation
import Testing

@testable import millrace

/// `docs/configuration.md` says what the code does.
struct DocumentationTests {
    private static func page() throws -> String {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return try String(contentsOf: url.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
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
