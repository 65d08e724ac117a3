public import Doors
import Store
import Synchronization
import Twin

extension Sandbox: RecordService {
    public func reading<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T {
        let now = configuration.clock()
        // An hour that is over has its event log file: all its calls belong into it.
        if state.withLock({ $0.calls.isBehind(now: now) }) { await writeCalls() }
        do {
            return try await twin.store.read { [self] reader in
                let view = OrgView(
                    sandbox: self, context: context, catalogue: try catalogue(in: reader), reader: reader,
                    transaction: nil)
                return try view.finished(try body(view))
            }
        } catch let error as StoreError {
            throw failure(error)
        }
    }

    public func writing<T: Sendable>(
        _ context: CallContext, _ body: @escaping @Sendable (any OrgWork) throws -> T
    ) async throws -> T {
        do {
            return try await transaction(origin: .call(context), userID: context.session.userID) { [self] transaction in
                let view = OrgView(
                    sandbox: self, context: context, catalogue: transaction.catalogue, reader: transaction.writer,
                    transaction: transaction)
                return try view.finished(try body(view))
            }
        } catch let error as StoreError {
            throw failure(error)
        }
    }
}
