import Doors
import Foundation
import Twin

/// The replicated objects' standing, for people.
enum SyncText {
    static func text(_ report: SyncReport) -> String {
        var lines = ["object               columns  loaded                in doubt   compared              drift"]
        for object in report.status.objects {
            let doubt =
                object.inDoubt > report.status.inDoubtMax ? "over \(report.status.inDoubtMax)" : "\(object.inDoubt)"
            lines.append(
                padded(object.name, 20) + " " + padded("\(object.columns)", 7, isRight: true) + "  "
                    + padded(object.loadedAt.map(time) ?? "not yet", 20) + "  " + padded(doubt, 9) + "  "
                    + padded(object.reconciled?.lastDoneAt.map(time) ?? "not yet", 20) + "  "
                    + (object.reconciled?.lastDoneAt == nil ? "" : "\(object.reconciled?.lastDrift ?? 0)"))
            lines += object.freshness.map { "  " + text($0) }
            if let message = object.message { lines.append("  " + message) }
        }
        if !report.status.snapshots.isEmpty {
            lines.append("")
            lines.append("snapshots")
            for snapshot in report.status.snapshots { lines.append("  " + line(snapshot)) }
        }
        let open = report.status.reconciliations.filter { !$0.isEnded }
        if !open.isEmpty {
            lines.append("")
            lines.append("reconciliations")
            for reconciliation in open { lines.append("  " + ReconciliationText.line(reconciliation)) }
        }
        lines.append("")
        lines.append(GapText.text(report.gaps, onlyOpen: false))
        let calls = report.budget.calls.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        lines.append("")
        lines.append(
            "API calls within 24 hours: " + (calls.isEmpty ? "none" : calls.joined(separator: ", "))
                + (report.budget.orgUsed.flatMap { used in
                    report.budget.orgMax.map { "; the org counts \(used) of \($0)" }
                } ?? "")
                + (report.budget.refused > 0 ? "; \(report.budget.refused) not made, for want of budget" : ""))
        return lines.joined(separator: "\n")
    }

    /// `refreshed every 1h, as of 2026-11-22T03:00:00Z: Age__c, Score__c`
    private static func text(_ freshness: ColumnFreshness) -> String {
        let every = freshness.every.map { " every \(DurationText.text(.seconds($0)))" } ?? ""
        let asOf = freshness.asOf.map { "as of \(time($0))" }
        let kept =
            switch freshness.source {
            case .events: "live, by events"
            case .poll: "polled\(every), " + (asOf ?? "not yet")
            case .refresh: "refreshed\(every), " + (asOf ?? "not yet")
            case .reading: asOf.map { "\($0), or when the record was read since" } ?? "not read yet"
            }
        let names = freshness.columns.prefix(columnsNamed).joined(separator: ", ")
        let rest = freshness.columns.count - columnsNamed
        return "\(kept): \(names)" + (rest > 0 ? " and \(rest) more" : "")
    }

    /// The others are in the JSON.
    private static let columnsNamed = 8

    /// `3 Case reading, 12,000 of 40,000 rows (30 %)`
    static func line(_ snapshot: Snapshot) -> String {
        var text = "\(snapshot.id) \(snapshot.query.object) \(snapshot.phase.rawValue) (\(reason(snapshot.reason)))"
        text += ", \(snapshot.rows.grouped)"
        if let total = snapshot.total {
            text += " of \(total.grouped) rows"
            if total > 0 { text += " (\(snapshot.rows * 100 / total) %)" }
        } else {
            text += " rows"
        }
        if let left = secondsLeft(snapshot) { text += ", some \(left) s left" }
        if let condition = snapshot.query.condition { text += ", where \(condition)" }
        if snapshot.removed > 0 { text += ", \(snapshot.removed) not in the org any more" }
        if snapshot.missed > 0 { text += ", \(snapshot.missed) that were missing" }
        if snapshot.restarts > 0 { text += ", began again \(snapshot.restarts) times" }
        if let message = snapshot.message { text += ": \(message)" }
        return text
    }

    /// At the rate until now.
    private static func secondsLeft(_ snapshot: Snapshot) -> Int? {
        guard snapshot.phase == .reading, snapshot.rows > 0, let total = snapshot.total, let begun = snapshot.startedAt
        else { return nil }
        let elapsed = Date().timeIntervalSince1970 - Double(begun) / 1_000
        guard elapsed > 0 else { return nil }
        return Int(elapsed / Double(snapshot.rows) * Double(max(0, total - snapshot.rows)))
    }

    private static func reason(_ reason: Snapshot.Reason) -> String {
        switch reason {
        case .firstLoad: "first load"
        case .newFields: "new fields"
        case .command: "asked for"
        case .doubt: "many records in doubt"
        case .gap: "events were lost"
        case .reconciliation: "differs from the org"
        case .formulas: "formulas"
        }
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds / 1_000)).formatted(.iso8601)
    }

    private static func padded(_ text: String, _ width: Int, isRight: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return isRight ? space + text : text + space
    }
}
