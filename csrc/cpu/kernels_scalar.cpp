#define FASTMI_LEVEL scalar
#include "cpu/kernels_body.h"
