import Doors
import Foundation
import Logging
import Store
import Twin
import Upstream

/// The replica of a bridge, with what it asks the org by.
struct Replication: Sendable {
    /// Shared with the event streams: one token for everything.
    let login: OrgLogin
    let replica: Replica
    private let api: OrgAPI
    private let twin: Twin
    private let logger: Logger

    private static let bookKey = "api.budget"
    private static let bookInterval: Duration = .seconds(60)

    /// Nil where nothing is replicated. Throws `UpstreamError(.configuration)` and `StoreError`.
    init?(_ settings: Bridge.Settings, twin: Twin, logger: Logger) async throws {
        guard !settings.objects.isEmpty else { return nil }
        self.twin = twin
        self.logger = logger
        var book = BudgetBook()
        if let bytes = try await twin.store.read({ try $0.state(Self.bookKey) }) {
            do {
                book = try JSONDecoder().decode(BudgetBook.self, from: Data(bytes))
            } catch {
                // The org's own count comes with the first answer.
                logger.warning(
                    "the account of API calls cannot be read and begins anew", metadata: ["error": "\(error)"])
            }
        }
        login = try OrgLogin(settings.org, timing: settings.timing, logger: logger)
        api = OrgAPI(
            login: login, budget: APIBudget(policy: settings.budget, book: book),
            configuration: .init(timing: OrgAPI.Timing().hastened(by: settings.haste.factor)), logger: logger)
        let source = UpstreamSource(api: api)
        var configuration = Replica.Configuration(objects: settings.objects)
        configuration.overlap = settings.sync.overlap
        configuration.chunkRows = settings.sync.chunkRows
        configuration.reconciling = settings.reconciling
        replica = Replica(
            twin: twin, source: source, reconciledSource: UpstreamSource(source, chargedTo: .reconcile),
            polledSource: UpstreamSource(source, chargedTo: .polling),
            configuration: settings.haste.replica(configuration), logger: logger)
    }

    /// Until cancelled; the org is asked for nothing afterwards.
    func run() async throws {
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await replica.run() }
                group.addTask { await keepAccount() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            await close()
            throw error
        }
        await close()
    }

    private func close() async {
        await saveAccount()
        await api.shutdown()
        await login.shutdown()
    }

    /// So that a process that comes next knows of the calls of the last 24 hours; `kill -9` forgets a minute's.
    private func keepAccount() async {
        while !Task.isCancelled {
            await saveAccount()
            try? await Task.sleep(for: Self.bookInterval)
        }
    }

    private func saveAccount() async {
        do {
            let book = [UInt8](try JSONEncoder().encode(api.budget.book))
            try await twin.store.writeForOthers { try $0.setState(Self.bookKey, to: book) }
        } catch {
            logger.warning("the account of API calls could not be kept", metadata: ["error": "\(error)"])
        }
    }

    func door(_ secret: AdminSecret) -> SyncDoor {
        SyncDoor(secret: secret, replica: replica) { [budget = api.budget] in BudgetSummary(budget.report) }
    }

    func register(in registry: MetricsRegistry) {
        ReconciliationMetrics(replica: replica).register(in: registry)
        PollMetrics(replica: replica).register(in: registry)
        registry.collect { [budget = api.budget] writer in
            let report = budget.report
            for purpose in report.purposes {
                writer.counter(
                    "millrace_api_calls_total", help: "Calls of the org's REST and Bulk APIs, by what they were for.",
                    labels: ["purpose": purpose.purpose.rawValue], value: UInt64(purpose.admitted))
                writer.counter(
                    "millrace_api_calls_refused_total", help: "Calls that were not made, for want of budget.",
                    labels: ["purpose": purpose.purpose.rawValue], value: UInt64(purpose.refused))
            }
            if let used = report.orgUsed, let max = report.orgMax {
                writer.gauge(
                    "millrace_org_api_calls", help: "API calls of everybody, as the org counts them.", value: used)
                writer.gauge(
                    "millrace_org_api_calls_max", help: "API calls that the org allows in 24 hours.", value: max)
            }
        }
    }
}

extension BudgetSummary {
    init(_ report: BudgetReport) {
        self.init(
            calls: Dictionary(
                uniqueKeysWithValues: report.purposes.filter { $0.callsInDay > 0 }.map {
                    ($0.purpose.rawValue, $0.callsInDay)
                }),
            orgUsed: report.orgUsed, orgMax: report.orgMax,
            refused: report.purposes.reduce(0) { $0 + $1.refused })
    }
}
