public import Foundation

/// The captured schemas and events. They lie beside the repository, not in it: where they are absent, tests that need them
/// are skipped (`.enabled(if: Fixtures.arePresent, Comment(rawValue: Fixtures.absence))`), and say so.
public enum Fixtures {
    /// `MILLRACE_FIXTURES`, or `../shared/reference/fixtures` beside the package.
    public static let folder: URL? = {
        if let given { return existing(URL(fileURLWithPath: given)) }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return existing(package.deletingLastPathComponent().appendingPathComponent("shared/reference/fixtures"))
    }()

    /// `MILLRACE_FIXTURES` as it is set.
    public static let given = ProcessInfo.processInfo.environment["MILLRACE_FIXTURES"]

    public static var arePresent: Bool { folder != nil }

    /// What a test that needs them says where they are absent.
    public static let absence = "the captured events are not on this machine: set MILLRACE_FIXTURES to run this test"

    /// What is wrong with a folder that was named; nil: nothing, or none was. Whoever names one wants nothing skipped.
    public static func problem(of given: String?) -> String? {
        guard let given, existing(URL(fileURLWithPath: given)) == nil else { return nil }
        return "MILLRACE_FIXTURES is '\(given)', but \(index) is not there"
    }

    /// The text of a file such as `schemas/index.json`.
    public static func text(_ path: String) throws -> String {
        guard let folder else { throw CocoaError(.fileNoSuchFile) }
        return try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
    }

    private static let index = "schemas/index.json"

    private static func existing(_ url: URL) -> URL? {
        FileManager.default.fileExists(atPath: url.appendingPathComponent(index).path) ? url : nil
    }
}
