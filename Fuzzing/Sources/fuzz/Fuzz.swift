import FuzzTargets

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// libFuzzer with one of our targets: `fuzz --target=NAME [what libFuzzer takes]`, `fuzz --list`.
///
/// The main function is ours and calls libFuzzer's driver, since a package's executable brings its own: so the library is
/// the one without a main function (`fuzzer_no_main`).
@main
struct Fuzz {
    static func main() {
        var argumentCount = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        var given: String?
        for argument in CommandLine.arguments.dropFirst() {
            if argument == "--list" {
                for target in FuzzTarget.allCases { print(target.rawValue) }
                return
            }
            if argument.hasPrefix("--target=") { given = String(argument.dropFirst("--target=".count)) }
        }
        guard let given, let target = FuzzTarget(rawValue: given) else {
            let known = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
            let message = Array("fuzz: --target=NAME is one of: \(known)\n".utf8)
            _ = write(STDERR_FILENO, message, message.count)
            exit(2)
        }
        chosen = target
        // Arguments that begin with two hyphens are not libFuzzer's: it passes them over.
        exit(
            runDriver(&argumentCount, &arguments) { bytes, count in
                chosen.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
                return 0
            })
    }
}

/// Set once, before libFuzzer begins; its callback takes no context.
nonisolated(unsafe) private var chosen = FuzzTarget.json

/// Of libFuzzer: <https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library>.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt
