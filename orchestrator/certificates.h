/* certificates.h: the server's certificate, its key and whose clients are let
 * in, from the files that the config names: read at start, at a reload, and
 * when the files change. What cannot be used changes nothing, and says so.
 *
 * A change counts once the files have stood still for a moment: a certificate
 * and its key are rarely replaced in one go.
 *
 * Threads: loop only; files are read by the pool (loop/work.h), but for the
 * start. */
#ifndef SK_CERTIFICATES_H
#define SK_CERTIFICATES_H

#include "base/log.h"
#include "config/config.h"
#include "loop/done.h"
#include "metrics/metrics.h"
#include "rpc/tls.h"

struct sk_certificates;
struct sk_certificate_set; /* what the files say, looked at */

/* Blocks; any thread. NULL: there shall be no TLS, or the faults say all. Heap. */
struct sk_certificate_set *sk_certificates_read(const struct sk_config *config, struct sk_faults *faults);
void sk_certificate_set_free(struct sk_certificate_set *set); /* NULL is fine */

/* Heap; one owner. Nothing of config is borrowed; log and metrics (may be NULL) are. Blocks, for start-up.
 * Errors: SK_FAILED_PRECONDITION (the files cannot be used). */
SK_MUST_CHECK enum sk_code sk_certificates_open(struct sk_loop *loop, const struct sk_log *log,
                                                struct sk_metrics *metrics, const struct sk_config *config,
                                                struct sk_certificates **out_certificates,
                                                struct sk_err *err);
/* For servers; borrowed. NULL: no TLS. */
struct sk_tls *sk_certificates_tls(const struct sk_certificates *certificates);
/* fn is told of each that comes into force from here on; pem is borrowed for the call. */
void sk_certificates_listen(struct sk_certificates *certificates,
                            void (*fn)(void *arg, const struct sk_tls_pem *pem), void *arg);
/* From other files, or the same ones again. set_take: read for the same config; NULL where there is no TLS.
 */
void sk_certificates_configure(struct sk_certificates *certificates, const struct sk_config *config,
                               struct sk_certificate_set *set_take);
/* Waits for the pool, frees, then fires. */
void sk_certificates_close(struct sk_certificates *certificates_take, struct sk_done *done);

#endif
