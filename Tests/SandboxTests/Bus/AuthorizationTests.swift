import ChangeEvents
import Doors
import Testing

@testable import Sandbox

struct AuthorizationTests {
    @Test func tokenInstanceAndTenantMustAllBeOurs() async throws {
        let org = try await TestOrg.open()
        let token = org.context.session.accessToken
        let id = org.context.session.organizationID
        func isRefused(_ token: String?, _ instance: String?, _ tenant: String?) async -> Bool {
            do {
                let caller = try await org.sandbox.authorize(
                    accessToken: token, instanceURL: instance, tenantID: tenant)
                #expect(caller.userID == org.context.session.userID)
                return false
            } catch {
                return error.code == .unauthenticated
            }
        }
        #expect(await !isRefused(token, TestOrg.instanceURL, id))
        #expect(await !isRefused(token, TestOrg.instanceURL + "/", String(id.prefix(15))))
        #expect(await isRefused(nil, TestOrg.instanceURL, id))
        #expect(await isRefused(token, nil, id))
        #expect(await isRefused(token, TestOrg.instanceURL, nil))
        #expect(await isRefused("Bearer " + token, TestOrg.instanceURL, id))
        #expect(await isRefused(token, "https://other.my.salesforce.test", id))
        #expect(await isRefused(token, "", id))
        #expect(await isRefused(token, TestOrg.instanceURL, "00D000000000000"))
        #expect(await isRefused(token, TestOrg.instanceURL, String(id.prefix(14))))
        try await org.sandbox.expireAllSessions()
        #expect(await isRefused(token, TestOrg.instanceURL, id))
    }
}
