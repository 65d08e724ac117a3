import ArgumentParser
import Doors
import Foundation
import NIOHTTP1
import Twin

/// `millrace sync reconcile`: compares tables with the org and puts right what differs. For cron: the exit status says what came of it.
struct SyncReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile", abstract: "Compares the tables with the org, and puts right what differs.",
        discussion: """
            Counts rows by the hour of their LastModifiedDate on both sides and reads only where the counts differ; --deep reads \
            every row and compares every value. What differs is looked at twice more before it counts.

            Exit status: 0 nothing differs, 1 rows differed (and were put right, but for --dry-run), \(ExitStatus.unavailable) it could not be finished.
            """)

    @Argument(help: "API names of objects; without any, all that are replicated.")
    var objects: [String] = []
    @OptionGroup var gateway: GatewayOptions
    @Flag(help: "Compare every value of every row: takes a Bulk query.")
    var deep = false
    @Flag(help: "Leave what differs as it is.")
    var dryRun = false
    @Flag(help: "The whole report as JSON.")
    var json = false

    func run() async throws {
        let wish = ReconciliationWish(objects: objects.isEmpty ? nil : objects, deep: deep, dryRun: dryRun)
        let taken = try JSONDecoder().decode(
            ReconciliationsTaken.self,
            from: try await gateway.call(.POST, "/admin/sync/reconciliations", body: try JSONEncoder().encode(wish)))
        let progress = TerminalLine.onTerminal()
        var reports: [ReconciliationReport] = []
        for id in taken.ids { reports.append(try await ended(id, progress)) }
        progress?.clear()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
            Console.print(String(decoding: try encoder.encode(reports), as: UTF8.self))
        } else {
            Console.print(reports.map(ReconciliationText.text).joined(separator: "\n"))
        }
        if reports.contains(where: { $0.reconciliation.phase == .failed }) {
            throw ExitCode(ExitStatus.unavailable)
        }
        if reports.contains(where: \.reconciliation.hasDrift) { throw ExitCode.failure }
    }

    /// Waits for its end, however long the budget or a snapshot keeps it waiting. A gateway that is started again meanwhile goes on
    /// with it.
    private func ended(_ id: Int, _ progress: TerminalLine?) async throws -> ReconciliationReport {
        while true {
            guard let body = try await gateway.answer(.GET, "/admin/sync/reconciliations/\(id)") else {
                Console.print("reconciliation \(id) is over, and forgotten already")
                throw ExitCode(ExitStatus.unavailable)
            }
            let report = try JSONDecoder().decode(ReconciliationReport.self, from: body)
            progress?.show(ReconciliationText.line(report.reconciliation))
            if report.reconciliation.isEnded { return report }
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}
