# Decides whether CUDA is compiled, and for which GPUs. Sets FASTMI_CUDA_STATE to "on: ..." or to
# "off: " and the reason, which the build keeps for `fastmi info` and for the error of device="cuda".
#
#   FASTMI_CUDA   compiles for
#   AUTO          the GPUs that nvidia-smi finds in this machine; without one there is no CUDA
#   ON            every target listed below
#   OFF           nothing: there is no CUDA
#
# Targets named by CUDAARCHS (environment) or CMAKE_CUDA_ARCHITECTURES replace those of AUTO and ON.
# Whatever keeps nvcc from working is an error with ON, and a reason to go without CUDA with AUTO.
set(FASTMI_CUDA_TARGETS 75-real 80-real 86-real 89-real 90-real 90-virtual)
set(FASTMI_CUDA_OLDEST 7.5)

# Sets `capabilities` to the compute capabilities (9.0;8.6) of the GPUs in this machine.
function(fastmi_find_gpus capabilities)
  # PATH often lacks the folder in which the Windows Subsystem for Linux keeps it.
  find_program(FASTMI_NVIDIA_SMI nvidia-smi PATHS /usr/lib/wsl/lib NO_CACHE)
  set(found "")
  if(FASTMI_NVIDIA_SMI)
    execute_process(
      COMMAND ${FASTMI_NVIDIA_SMI} --query-gpu=compute_cap --format=csv,noheader
      TIMEOUT 30
      RESULT_VARIABLE status
      OUTPUT_VARIABLE found
      ERROR_QUIET
    )
    # If the driver does not answer, stdout says so, with version numbers that look like capabilities.
    if(NOT status EQUAL 0)
      set(found "")
    endif()
  endif()
  string(REGEX MATCHALL "[0-9]+\\.[0-9]+" found "${found}")
  list(REMOVE_DUPLICATES found)
  set(${capabilities} ${found} PARENT_SCOPE)
endfunction()

# Sets `targets` to those of the GPUs in this machine, or `state` to the reason why there are none.
function(fastmi_gpu_targets targets state)
  fastmi_find_gpus(capabilities)
  set(usable "")
  foreach(capability IN LISTS capabilities)
    if(capability VERSION_GREATER_EQUAL FASTMI_CUDA_OLDEST)
      string(REPLACE "." "" number ${capability})
      list(APPEND usable ${number}-real)
    endif()
  endforeach()
  list(JOIN capabilities ", " found)
  if(usable)
    set(${targets} ${usable} PARENT_SCOPE)
  elseif(capabilities)
    set(
      ${state}
      "off: needs a GPU of compute capability ${FASTMI_CUDA_OLDEST} or newer; this machine's has ${found}"
      PARENT_SCOPE
    )
  else()
    set(${state} "off: no NVIDIA GPU was found when fastmi was built" PARENT_SCOPE)
  endif()
endfunction()

# Sets `unknown` to the first of the given targets (90-real) that nvcc has no code for, or to "".
function(fastmi_unknown_target unknown)
  set(${unknown} "" PARENT_SCOPE)
  execute_process(
    COMMAND ${CMAKE_CUDA_COMPILER} --list-gpu-code
    RESULT_VARIABLE status
    OUTPUT_VARIABLE known
    ERROR_QUIET
  )
  if(NOT status EQUAL 0)
    return()
  endif()
  foreach(target IN LISTS ARGN)
    string(REPLACE "-real" "" number ${target})
    if(NOT known MATCHES "sm_${number}[\r\n]")
      set(${unknown} ${number} PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

unset(FASTMI_CUDA_STATE)
set(FASTMI_CUDA_FOUND "")
if(NOT FASTMI_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "FASTMI_CUDA must be AUTO, ON or OFF; got '${FASTMI_CUDA}'")
elseif(FASTMI_CUDA STREQUAL "OFF")
  set(FASTMI_CUDA_STATE "off: built with FASTMI_CUDA=OFF")
elseif(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND "$ENV{CUDAARCHS}" STREQUAL "")
  if(FASTMI_CUDA STREQUAL "ON")
    set(CMAKE_CUDA_ARCHITECTURES ${FASTMI_CUDA_TARGETS})
  else()
    fastmi_gpu_targets(FASTMI_CUDA_FOUND FASTMI_CUDA_STATE)
    set(CMAKE_CUDA_ARCHITECTURES ${FASTMI_CUDA_FOUND})
  endif()
endif()

if(NOT DEFINED FASTMI_CUDA_STATE)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    fastmi_unknown_target(unknown ${FASTMI_CUDA_FOUND})
    if(unknown)
      set(FASTMI_CUDA_STATE "off: ${CMAKE_CUDA_COMPILER} is too old for the GPU of this machine (sm_${unknown})")
    else()
      enable_language(CUDA)
      if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
        set(FASTMI_CUDA_STATE "off: needs nvcc 12 or later; found ${CMAKE_CUDA_COMPILER_VERSION}")
      else()
        set(CMAKE_CUDA_STANDARD 20)
        set(CMAKE_CUDA_STANDARD_REQUIRED ON)
        set(CMAKE_CUDA_EXTENSIONS OFF)
        list(JOIN CMAKE_CUDA_ARCHITECTURES ", " targets)
        set(FASTMI_CUDA_STATE "on: CUDA ${CMAKE_CUDA_COMPILER_VERSION}, ${targets}")
      endif()
    endif()
  else()
    set(FASTMI_NVCC $ENV{CUDACXX})
    if(NOT FASTMI_NVCC)
      find_program(FASTMI_NVCC nvcc PATHS ENV PATH NO_DEFAULT_PATH NO_CACHE)
    endif()
    if(FASTMI_NVCC)
      set(
        FASTMI_CUDA_STATE
        "off: ${FASTMI_NVCC} does not work with ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} (see CMakeConfigureLog.yaml)"
      )
    else()
      set(FASTMI_CUDA_STATE "off: built without nvcc")
    endif()
  endif()
  if(FASTMI_CUDA STREQUAL "ON" AND NOT FASTMI_CUDA_STATE MATCHES "^on")
    message(FATAL_ERROR "FASTMI_CUDA=ON cannot be met; ${FASTMI_CUDA_STATE}")
  endif()
endif()
