import Foundation

/// What configuration reads from outside its file: files beside it and the environment. Mistakes name the path or the
/// variable, never what is in it.
struct FileReader {
    /// Relative paths begin here: the directory of the configuration file.
    let directory: String
    let environment: [String: String]

    /// Keys and certificates are a few kilobytes; more is a wrong path.
    private static let bytesMax = 1_048_576

    func resolved(_ path: String) -> String {
        path.hasPrefix("/") ? path : URL(fileURLWithPath: directory).appendingPathComponent(path).standardized.path
    }

    func directoryExists(of path: String) -> Bool {
        var isDirectory: ObjCBool = false
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    /// The resolved path of a file that was opened and read to its end; nil where the key is left out or the file is no
    /// good.
    func pathOfReadable(_ section: Section, _ name: String) -> String? {
        guard let path = section.text(name).map(resolved) else { return nil }
        return read(section, name, path: path) == nil ? nil : path
    }

    func content(_ section: Section, _ name: String) -> String? {
        guard let path = section.text(name).map(resolved) else { return nil }
        return read(section, name, path: path)
    }

    /// A secret from a file or a variable, of which exactly one must be named; with the key that named it.
    func secret(_ section: Section, file: String, environment variable: String) -> (secret: Secret, key: String)? {
        switch (section.has(file), section.has(variable)) {
        case (true, true):
            _ = section.node(file)
            _ = section.node(variable)
            section.mistake(variable, "cannot stand beside \(section.fullPath(file)): choose one")
            return nil
        case (false, false):
            section.mistakes.add(
                "\(section.fullPath(file)) or \(section.fullPath(variable)) is missing", line: section.line)
            return nil
        case (true, false):
            return content(section, file).flatMap { nonempty($0, section, file) }
        case (false, true):
            guard let name = section.text(variable) else { return nil }
            guard let content = environment[name] else {
                section.mistake(variable, "names the variable \(name), which is not set")
                return nil
            }
            return nonempty(content, section, variable)
        }
    }

    private func nonempty(_ content: String, _ section: Section, _ name: String) -> (secret: Secret, key: String)? {
        let secret = Secret(heldIn: content)
        guard !secret.isEmpty else {
            section.mistake(name, "holds nothing")
            return nil
        }
        return (secret, name)
    }

    private func read(_ section: Section, _ name: String, path: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            section.mistake(name, "cannot be read: \(path)")
            return nil
        }
        defer { try? handle.close() }
        do {
            let data = try handle.read(upToCount: Self.bytesMax + 1) ?? Data()
            guard data.count <= Self.bytesMax else {
                section.mistake(name, "is too large for a key or certificate: \(path)")
                return nil
            }
            guard let text = String(validating: data, as: UTF8.self) else {
                section.mistake(name, "is not text (PEM): \(path)")
                return nil
            }
            return text
        } catch {
            section.mistake(name, "cannot be read: \(path)")
            return nil
        }
    }
}
