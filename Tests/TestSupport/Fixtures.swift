public import Foundation

/// The captured schemas and events. They lie beside the repository, not in it: where they are absent, tests that need them
/// are skipped (`.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence))`), and say so.
public enum Fixtures {
    /// `MILLRACE_FIXTURES`, or `../shared/reference/fixtures` beside the package.
    public static let folder: URL? = {
        if let path = ProcessInfo.processInfo.environment["MILLRACE_FIXTURES"] {
            return existing(URL(fileURLWithPath: path))
        }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return existing(package.deletingLastPathComponent().appendingPathComponent("shared/reference/fixtures"))
    }()

    public static var arePresent: Bool { folder != nil }

    /// What a test that needs them says where they are absent.
    public static let absence = "the captured events are not on this machine: set MILLRACE_FIXTURES to run this test"

    /// The text of a file such as `schemas/index.json`.
    public static func text(_ path: String) throws -> String {
        guard let folder else { throw CocoaError(.fileNoSuchFile) }
        return try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
    }

    private static func existing(_ url: URL) -> URL? {
        FileManager.default.fileExists(atPath: url.path) ? url : nil
    }
}
