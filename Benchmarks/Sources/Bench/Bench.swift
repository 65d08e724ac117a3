@preconcurrency import Glibc

/// `bench NAME [ARGUMENTS]`: runs one benchmark and prints its figures as JSON. `scripts/bench-*` call it.
@main
struct Bench {
    static func main() async throws {
        // A figure is seen when it is there, into a file too.
        setlinebuf(stdout)
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "avro": try runAvroBenchmark(arguments: Array(arguments.dropFirst()))
        case "bulk": try await runBulkBenchmark(arguments: Array(arguments.dropFirst()))
        case "bus": try await runBusBenchmark(arguments: Array(arguments.dropFirst()))
        case "log": try await runLogBenchmark(arguments: Array(arguments.dropFirst()))
        case "match": try runMatchBenchmark(arguments: Array(arguments.dropFirst()))
        case "org": try await runOrgBenchmark(arguments: Array(arguments.dropFirst()))
        case "push": try await runPushBenchmark(arguments: Array(arguments.dropFirst()))
        case "query": try await runQueryBenchmark(arguments: Array(arguments.dropFirst()))
        case "rest": try await runRESTBenchmark(arguments: Array(arguments.dropFirst()))
        default:
            print("usage: bench avro EVENTS.jsonl [SECONDS]")
            print("       bench bulk [--rows N]")
            print("       bench bus [--events N] [--deliveries N]")
            print("       bench log [--events N]")
            print("       bench match [SUBSCRIBERS]")
            print("       bench org [ROWS]")
            print("       bench query [ROWS]")
            print("       bench push CONNECTIONS MESSAGES INTERVAL_MS")
            print("       bench rest RECORDS [THREADS]")
        }
    }
}
