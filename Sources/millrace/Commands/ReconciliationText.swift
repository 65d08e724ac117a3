import Foundation
import Twin

/// Reconciliations, for people.
enum ReconciliationText {
    /// Rows of a report that are named.
    private static let namedMax = 50

    static func text(_ report: ReconciliationReport) -> String {
        var lines = [line(report.reconciliation)]
        for difference in report.differences.prefix(namedMax) {
            let fields = difference.fields.isEmpty ? "" : ": \(difference.fields.joined(separator: ", "))"
            lines.append("  \(difference.record) \(words(difference.cause))\(fields)")
        }
        let others = max(0, report.differences.count - namedMax) + report.differencesLeftOut
        if others > 0 { lines.append("  and \(others.grouped) more") }
        return lines.joined(separator: "\n")
    }

    /// `7 Case done: 1,000,000 rows here and in the org, 812 compared; 1 differed (1 stale), put right; 9 API calls`
    static func line(_ reconciliation: Reconciliation) -> String {
        var text = "\(reconciliation.id) \(reconciliation.object) \(reconciliation.phase.rawValue)"
        if reconciliation.isDeep { text += " (deep)" }
        if let message = reconciliation.message { return text + ": \(message)" }
        if let org = reconciliation.rowsInOrg, let here = reconciliation.rowsHere {
            text +=
                org == here
                ? ": \(org.grouped) rows here and in the org" : ": \(here.grouped) rows here, \(org.grouped) in the org"
        }
        text += ", \(reconciliation.rowsCompared.grouped) compared"
        if reconciliation.candidates > 0, !reconciliation.isEnded {
            text += "; \(reconciliation.candidates.grouped) to be looked at again"
        }
        if reconciliation.isEnded { text += "; " + outcome(reconciliation) }
        text += "; \(reconciliation.calls) API calls"
        if reconciliation.restarts > 0 { text += "; began again \(reconciliation.restarts) times" }
        return text
    }

    private static func outcome(_ reconciliation: Reconciliation) -> String {
        if reconciliation.isReadAnew {
            return "too many rows differ: "
                + (reconciliation.snapshot.map { "snapshot \($0) reads the object anew" }
                    ?? "the object is to be read anew")
        }
        var parts: [String] = []
        if reconciliation.driftedRows > 0 {
            let causes = reconciliation.drift.filter(\.key.isDrift).sorted { $0.key.rawValue < $1.key.rawValue }
                .map { "\($0.value.grouped) \($0.key.rawValue)" }.joined(separator: ", ")
            parts.append(
                "\(reconciliation.driftedRows.grouped) differed (\(causes)), \(reconciliation.isDryRun ? "left as they are" : "put right")"
            )
        } else {
            parts.append("no drift")
        }
        if let derived = reconciliation.drift[.derived] {
            parts.append("\(derived.grouped) had old values of formulas")
        }
        if reconciliation.undecided > 0 { parts.append("\(reconciliation.undecided.grouped) changed at every look") }
        return parts.joined(separator: ", ")
    }

    private static func words(_ cause: Difference.Cause) -> String {
        switch cause {
        case .missing: "was missing here"
        case .gone: "is not in the org any more"
        case .deleted: "is deleted in the org"
        case .undeleted: "is not deleted in the org"
        case .stale: "had missed a change"
        case .values: "had other values"
        case .derived: "had old values of formulas"
        }
    }
}
