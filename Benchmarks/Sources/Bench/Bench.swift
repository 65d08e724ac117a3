/// `bench NAME [ARGUMENTS]`: runs one benchmark and prints its figures as JSON. `scripts/bench-*` call it.
@main
struct Bench {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "avro": try runAvroBenchmark(arguments: Array(arguments.dropFirst()))
        default: print("usage: bench avro EVENTS.jsonl [SECONDS]")
        }
    }
}
