/// A comparison of an object's table with the org, as the store keeps it.
public struct Reconciliation: Sendable, Hashable, Codable, Identifiable {
    public enum Phase: String, Sendable, Hashable, Codable {
        /// Its turn has not come, or the object is not at rest: `message` says what it waits for.
        case waiting
        /// Rows are counted and compared: where might something differ?
        case searching
        /// What may differ is looked at again.
        case confirming
        case done
        /// It could not be finished: `message` says why.
        case failed
    }

    public enum Trigger: String, Sendable, Hashable, Codable {
        case command
        case schedule
    }

    public var id: Int
    public var object: String
    /// Every value, not counts and stamps alone.
    public var isDeep: Bool
    /// What differs is reported and left as it is.
    public var isDryRun: Bool
    public var trigger: Trigger
    public var phase = Phase.waiting
    /// Milliseconds since 1970.
    public var requestedAt: Int64
    public var startedAt: Int64?
    public var finishedAt: Int64?
    /// API calls, those that had to be repeated among them.
    public var calls = 0
    /// Live rows, as each side counted them at its beginning.
    public var rowsInOrg: Int?
    public var rowsHere: Int?
    /// Compared one by one.
    public var rowsCompared = 0
    /// That differed at the first look.
    public var candidates = 0
    /// Of these, those that changed at every look, or were in doubt: nothing can be said of them.
    public var undecided = 0
    /// Confirmed and, unless it was a dry run, put right.
    public var drift: [Difference.Cause: Int] = [:]
    /// The snapshot that was asked for because more rows differ than are worth looking at, or columns that no event carries.
    public var snapshot: Int?
    /// More rows differ than are worth looking at: the object is read anew.
    public var isReadAnew = false
    /// Times that it had to begin again.
    public var restarts = 0
    public var message: String?

    public var isEnded: Bool { phase == .done || phase == .failed }

    /// Rows that were not as in the org, by no fault of columns that no event carries.
    public var driftedRows: Int { drift.reduce(0) { $0 + ($1.key.isDrift ? $1.value : 0) } }

    public var hasDrift: Bool { driftedRows > 0 || isReadAnew }
}

/// A row that was not as in the org.
public struct Difference: Sendable, Hashable, Codable {
    public enum Cause: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
        /// The org has the record, the table has not.
        case missing
        /// The org does not have it any more, not even in its recycle bin.
        case gone
        /// In the org's recycle bin, and live here.
        case deleted
        /// Live in the org, and deleted here.
        case undeleted
        /// A change did not come: another stamp.
        case stale
        /// Other values under the same stamp.
        case values
        /// Of columns that no event carries (formulas): they are as old as their last reading.
        case derived

        public var isDrift: Bool { self != .derived }
    }

    /// 18 characters.
    public var record: String
    public var cause: Cause
    /// Names of fields whose values differ; of `stale`, `values` and `derived`.
    public var fields: [String]

    public init(record: String, cause: Cause, fields: [String] = []) {
        self.record = record
        self.cause = cause
        self.fields = fields
    }
}

/// One with everything that it found.
public struct ReconciliationReport: Sendable, Codable {
    public var reconciliation: Reconciliation
    public var differences: [Difference]
    /// Beyond what is kept.
    public var differencesLeftOut: Int
}

/// How an object's reconciliations stand, over all of its time.
public struct ReconciliationStanding: Sendable, Hashable, Codable {
    /// Milliseconds since 1970, when the last one began that was to repair; nil: none has.
    public var lastAt: Int64?
    public var lastDeepAt: Int64?
    /// When the last one was finished.
    public var lastDoneAt: Int64?
    /// Rows that it found to differ.
    public var lastDrift = 0
    public var runs = 0
    public var failures = 0
    /// Rows by cause, of all.
    public var drift: [Difference.Cause: Int] = [:]
}
